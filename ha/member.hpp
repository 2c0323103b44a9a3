// One node of the pair without its sockets: beats and ticks in; what to send, and whether to hold
// the addresses, out. Pure, so that two of them can live in a simulator.
#pragma once

#include "ha/beat.hpp"
#include "ha/detector.hpp"
#include "ha/ownership.hpp"
#include "ha/sealing.hpp"
#include "ha/witnesses.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace poise::ha {

struct MemberSettings {
    OwnershipSettings ownership;
    std::size_t paths = 1;  // 0, for a node that is alone, to paths_max
    std::string node_name, version;
    std::uint64_t addresses_hash = 0;
};

/// What the caller knows of this node beyond SelfView, for the beat.
struct SelfFacts {
    ConfigMark config;
    std::uint64_t watermark = 0;
    std::uint32_t progress = 0;
    std::uint16_t stream_port = 0;
};

/// One a node. One thread.
class Member {
public:
    explicit Member(const MemberSettings& settings);

    /// What a sealed datagram held. False when its content has no meaning here.
    bool take(std::size_t path, const Opened& opened, Time now);
    /// A datagram from the peer's address that cannot be read. `counts`: it names our session,
    /// or there has been no session yet; else anybody may have sent it.
    void take_unreadable(bool counts, Time now);

    /// The gateway or a real server has answered this node's question.
    void take_witness(Time now) { witnesses_.answered(now); }
    /// Whether the witnesses are to be asked now, after tick().
    bool take_question_due(Time now) { return witnesses_.take_question_due(now); }

    /// Once a heartbeat, after everything that waits has been taken.
    void tick(Time now, const SelfView& self);

    /// Between two ticks, when something was taken that may not wait: true when the addresses
    /// change hands by it.
    bool react(Time now, const SelfView& self);

    /// Beat `counter` leaves now: its echo tells the round trip.
    void sent(std::uint64_t counter, Time now);

    /// How many beats leave at this tick: one, and more while the other node is in doubt, each of
    /// which asks for an answer. That many of both must get lost before a silence counts, so a
    /// line that begins to lose is not taken for a dead node before its loss is known.
    int beats_due() const { return detector_.doubtful() ? asking_beats : 1; }
    /// How many beats the other node has asked for and not got yet; none are due then. At most
    /// `answers_max` between two ticks.
    int take_answers_due();

    /// What to tell now.
    Beat beat(Time now, const SelfView& self, const SelfFacts& facts) const;

    void set_addresses_hash(std::uint64_t hash) { settings_.addresses_hash = hash; }

    std::string order_takeover(Time now, const SelfView& self, bool force);
    std::string order_standby(Time now, const SelfView& self);
    void stop(Time now, const SelfView& self);

    const Ownership& ownership() const { return ownership_; }
    const Detector& detector() const { return detector_; }
    /// As of the last tick.
    const PeerView& peer() const { return peer_; }
    /// Between a beat sent and its echo, without the time it lay at the peer; 0: not known.
    std::chrono::microseconds round_trip() const { return round_trip_; }
    bool addresses_differ() const {
        return peer_.heard && peer_.beat.addresses_hash != settings_.addresses_hash;
    }

private:
    static constexpr std::size_t sent_kept = 64;
    static constexpr int asking_beats = 5, answers_max = 10;
    static constexpr std::chrono::milliseconds unreadable_for{1000};
    static constexpr int unreadable_min = 3;  // within that time

    void look_at_peer(Time now);
    SelfView with_witnesses(const SelfView& self) const;
    void measure_round_trip(const Beat& beat, Time now);

    MemberSettings settings_;
    Detector detector_;
    Ownership ownership_;
    Witnesses witnesses_;
    PeerView peer_;
    std::uint64_t newest_ = 0;  // beat of the peer's session
    Time newest_at_{};
    Time unreadable_since_{}, unreadable_at_{};
    int unreadable_ = 0;
    int asked_ = 0, answered_ = 0;  // since the last tick
    std::array<Time, sent_kept> sent_at_{};
    std::uint64_t sent_ = 0;  // the newest
    std::chrono::microseconds round_trip_{0};
};

}  // namespace poise::ha
