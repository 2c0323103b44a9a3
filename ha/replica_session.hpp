// One stream of replication without its socket: bytes in, bytes out. The active node gives
// secrets, persistence entries and flows; settings go either way.
#pragma once

#include "ha/replica_frame.hpp"
#include "ha/replication.hpp"
#include "ha/replication_status.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace poise::ha {

/// One a connection. One thread.
class ReplicaSession {
public:
    using Time = std::chrono::steady_clock::time_point;
    /// More is not produced before the other node has read some.
    static constexpr std::size_t output_max = 256 << 10;
    static constexpr std::chrono::milliseconds round_every{500};
    /// A silence that ends the stream.
    static constexpr std::chrono::seconds silence_max{5};

    /// `gives`: this node is active. Both references outlive the session.
    ReplicaSession(bool gives, const ReplicaContent& content, const ReplicaEvents& events,
                   Time now);
    ~ReplicaSession();
    ReplicaSession(const ReplicaSession&) = delete;
    ReplicaSession& operator=(const ReplicaSession&) = delete;

    /// The error is a sentence: the stream is to be closed.
    std::expected<void, std::string> receive(std::span<const std::uint8_t> bytes, Time now);
    /// False while something waits that could not be taken yet: read no more until it is true.
    bool wants_input() const { return flows_waiting_.empty(); }
    /// Every few milliseconds, and when `content` has changed.
    std::expected<void, std::string> tick(Time now);
    /// The settings of the other node are to be taken, whatever both have: an order.
    void take_theirs();

    /// What is to be sent; the caller removes from its front what it has sent.
    std::vector<std::uint8_t>& output() { return output_; }
    ReplicationStatus status(Time now) const;

private:
    std::expected<void, std::string> take_all(Time now);
    std::expected<void, std::string> take(const Frame& frame, Time now);
    std::expected<void, std::string> take_flows(std::vector<std::uint8_t> bytes);
    void take_standing(const StandingFrame& frame);
    void take_settings(const Settings& settings);
    void take_entries(const EntriesFrame& frame);
    void decide();
    void tell_standing();
    void give(Time now);
    bool give_entries(Time now);
    void end_round(Time now);

    bool gives_;
    const ReplicaContent& content_;
    const ReplicaEvents& events_;
    FrameReader reader_;
    std::vector<std::uint8_t> output_;
    Time heard_{};  // when anything came last

    std::optional<Standing> told_;    // what we have said of ours
    std::optional<Standing> theirs_;  // what they have said
    Hash wanted_{};                   // what was asked for last
    Hash equal_{};                    // what was noted last
    bool take_ordered_ = false;
    std::string problem_;

    std::vector<std::uint8_t> secrets_sent_;
    // A round walks all tables once; the first one sends everything, each other what was used
    // since the one before began.
    bool in_round_ = false, first_round_ = true;
    Time round_at_{}, since_ = Time::min();
    std::size_t next_table_ = 0, entry_ = 0;
    std::string service_;  // whose entries are being sent
    std::chrono::milliseconds timeout_{0};
    std::vector<persistence::Table::Entry> entries_;
    std::uint64_t marks_ = 0, acked_ = 0;
    Time mark_at_{}, acked_mark_at_{};
    std::vector<std::uint8_t> flows_waiting_;  // layer 4 is behind
    bool synced_ = false;
    Time synced_at_{};
    std::uint64_t entries_counted_ = 0, entries_unknown_ = 0, flow_bytes_ = 0;
};

}  // namespace poise::ha
