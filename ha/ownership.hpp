// Who holds the floating addresses: the state machine of one node. Pure: what is known of the
// other node and the time go in; whether to hold the addresses comes out.
#pragma once

#include "ha/beat.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace poise::ha {

/// What this node knows of the other one.
struct PeerView {
    bool heard = false;       // ever, in this run
    bool alive = false;       // its beats come
    bool left = false;        // it has said that it goes; alive is false then
    bool unreadable = false;  // somebody sends from its address and cannot be read
    Beat beat;                // the newest, when heard
};

/// What this node knows of itself.
struct SelfView {
    bool fit = true;         // links are up, the kernel takes all addresses
    bool partly = false;     // not fit, but some of the addresses can be held
    bool linked = false;     // not fit, but a link of the addresses is up
    bool alone = false;      // no witness answers: the silence may be ours
    bool verified = false;   // settings and state equal the active node's
    bool reclaimed = false;  // the guardian has taken the addresses away meanwhile
};

/// Why the owner changed, or did not; `poise why` tells it.
enum class Reason : std::uint8_t {
    none,
    start_alone,     // nobody else was heard
    preferred,       // both nodes are here, nobody is active, this one comes first
    peer_unfit,      // the other one is here but cannot serve
    peer_silent,     // no beats
    peer_left,       // it said so, or its guardian did
    asked_to_leave,  // the other one has asked this one to take over
    ordered,         // `poise takeover`
    failback,        // the master is back, and may
    better_claim,    // the other one's claim is better
    handed_over,     // a planned switch-over
    unfit,           // this node's links are down, or its kernel refuses the addresses
    froze,           // this node did not run, and its guardian took the addresses away
    stopping,        // this node ends
};
std::string_view word(Reason reason);

/// Why a takeover that seems due does not take place.
enum class Hold : std::uint8_t { none, listening, unfit, unreadable, alone, deferring };
std::string_view word(Hold hold);

struct OwnershipSettings {
    bool master = true;
    std::uint64_t node_id = 0;
    std::chrono::milliseconds heartbeat{10};
    bool failback = false;
};

/// One a node. A change of owner is counted by `changes()`; what it was for by `reason()`.
class Ownership {
public:
    using Duration = std::chrono::milliseconds;
    static constexpr Duration listen_limit{600};       // for the other node at start
    static constexpr Duration yield_time{60};          // both hold the addresses in a switch-over
    static constexpr Duration order_limit{2000};       // a switch-over takes place by then or never
    static constexpr Duration failback_after{10'000};  // of being well; doubles with each flap
    static constexpr Duration failback_after_max{600'000};

    explicit Ownership(const OwnershipSettings& settings) : settings_(settings) {
        claim_ = {0, settings.master, settings.node_id};
    }

    /// At each heartbeat and whenever the peer's view has changed.
    void step(Time now, const PeerView& peer, const SelfView& self);

    /// `poise takeover`: becomes active when the other one hears this node, or is gone.
    /// With `force` also when it is unreadable, this node alone, or its copy not verified.
    /// The error is a sentence.
    std::string order_takeover(Time now, const PeerView& peer, const SelfView& self, bool force);
    /// `poise standby`: asks the other one to take over.
    std::string order_standby(Time now, const PeerView& peer, const SelfView& self);
    /// The process ends: hands over when somebody is there to take it. From then on this node
    /// claims nothing.
    void stop(Time now, const PeerView& peer, const SelfView& self);

    State state() const { return state_; }
    bool holds() const { return state_ == State::active || state_ == State::yielding; }
    const Claim& claim() const { return claim_; }
    bool wishes_to_leave() const { return leave_until_ != Time{}; }
    bool planned() const { return planned_; }
    Reason reason() const { return reason_; }
    Hold hold() const { return hold_; }
    Time changed_at() const { return changed_at_; }
    std::uint64_t changes() const { return changes_; }
    /// Rises each time that neighbours need to be told anew who holds the addresses.
    std::uint64_t announcements() const { return announcements_; }

private:
    /// A node that can hold more comes before one that can hold less, whatever their claims.
    static int fitness_of(const PeerView& peer);
    static int fitness_of(const SelfView& self);
    static bool lets_go(const PeerView& peer, const SelfView& self);
    bool defers(Time now, const PeerView& peer, const SelfView& self);
    bool comes_after(const PeerView& peer, const SelfView& self) const;
    void become(State state, Reason reason, Time now);
    void claim(Reason reason, bool planned, Time now, const PeerView& peer);
    void step_holding(Time now, const PeerView& peer, const SelfView& self);
    void step_without(Time now, const PeerView& peer, const SelfView& self);
    /// Beside a node that is alive and holds nothing.
    Reason claim_beside(Time now, const PeerView& peer, const SelfView& self);
    /// From a node that is alive and active.
    Reason claim_from(Time now, const PeerView& peer, const SelfView& self);
    Reason claim_after(Time now, const PeerView& peer, const SelfView& self);
    bool failback_due(Time now, const PeerView& peer, const SelfView& self);

    OwnershipSettings settings_;
    Claim claim_;
    State state_ = State::listening;
    Reason reason_ = Reason::none;
    Hold hold_ = Hold::none;
    bool planned_ = false, stopped_ = false, started_ = false;
    bool peer_was_alive_ = false, peer_was_active_ = false;
    Time started_at_{}, changed_at_{}, yield_until_{};
    Time leave_until_{}, takeover_until_{};  // the epoch: no such order
    Time idle_since_{};                      // both here and nobody active
    Time well_since_{};                      // could fail back
    Duration failback_after_now_ = failback_after;
    std::uint64_t changes_ = 0, announcements_ = 0;
};

}  // namespace poise::ha
