// What one node knows of the pair, as values: for `poise status`, the web page and metrics.
#pragma once

#include "ha/beat.hpp"
#include "ha/ownership.hpp"
#include "ha/replication_status.hpp"
#include "ha/sealing.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace poise::ha {

struct PathStatus {
    std::string local, peer;
    bool up = false;
    double loss = 0;      // of the newest thousand beats; 0 to 1
    double limit_ms = 0;  // the silence that counts as the end

    bool operator==(const PathStatus&) const = default;
};

/// Who tells this node that it is not alone: a gateway or a real server.
struct WitnessStatus {
    std::string address;
    bool answers = false;

    bool operator==(const WitnessStatus&) const = default;
};

/// One change of owner, as this node saw it.
struct OwnerChange {
    std::int64_t at_ms = 0;  // since 1970
    State from = State::listening, to = State::listening;
    Reason reason = Reason::none;
    std::uint64_t epoch = 0;
    /// Becoming active: between the last sign of the former owner and the first announcement by
    /// this node; below zero when there was none, or both overlapped.
    double blackout_ms = -1;

    bool operator==(const OwnerChange&) const = default;
};

struct PairStatus {
    std::string node, peer;  // names; the peer's is empty until it was heard
    State state = State::listening;
    State peer_state = State::listening;
    bool master = false;  // the configured role
    bool peer_alive = false;
    bool peer_fit = false;
    bool verified = false;
    std::uint64_t epoch = 0;
    Reason reason = Reason::none;
    Hold hold = Hold::none;  // why this node does not take over
    std::int64_t since_ms = 0;
    double round_trip_ms = 0;
    double own_lateness_ms = 0, peer_lateness_ms = 0;
    std::uint16_t peer_received_permille = 0;  // of our beats
    bool config_equal = false;
    bool addresses_differ = false;
    bool key_problem = false;  // the peer sends what our keys do not open
    std::string peer_version;
    std::vector<std::string> addresses;
    std::vector<std::string> problems;  // sentences, each with its cure
    std::vector<std::string> unconfirmed;
    std::vector<PathStatus> paths;
    std::vector<WitnessStatus> witnesses;
    std::array<std::uint64_t, refused_kinds> refused{};  // by Refused
    std::uint64_t strangers = 0;                         // datagrams of other hosts
    ReplicationStatus replication;
    std::vector<OwnerChange> changes;  // newest first, at most owner_changes_kept

    bool operator==(const PairStatus&) const = default;
};
constexpr std::size_t owner_changes_kept = 20;

}  // namespace poise::ha
