// What `poise status` shows: a copy of the state of services and servers, as values.
#pragma once

#include "app/latency_window.hpp"
#include "base/address.hpp"
#include "base/latency_histogram.hpp"
#include "ha/pair_status.hpp"
#include "proxy/service.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poise::app {

struct ServerStatus {
    std::string name;
    std::string address;  // empty while its name is not resolved
    std::string state;    // up, backup, fallback, drain, halt, down or unresolved
    std::uint32_t weight = 0;
    std::uint64_t connections = 0;
    std::uint32_t connections_max = 0;  // 0: no limit
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;
    std::uint32_t response_us = 0;  // moving average; 0 before the first response
    std::string reason;             // why it is not up; may be empty
    std::int64_t since = 0;         // seconds since 1970; 0: not known

    bool operator==(const ServerStatus&) const = default;
};

/// Response times: all since the start by doublings of the time, and what the last minute was
/// like. Only of services that speak HTTP.
struct LatencyStatus {
    static constexpr std::size_t bounds = LatencyBuckets::octaves + 1;
    /// The n-th: within 64 us times 2^n.
    std::array<std::uint64_t, bounds> within{};
    std::uint64_t count = 0, sum_us = 0;
    std::uint64_t minute_count = 0, p50_us = 0, p99_us = 0;

    bool operator==(const LatencyStatus&) const = default;
};
/// The n-th bound of LatencyStatus::within, in microseconds.
constexpr std::uint64_t latency_bound_us(std::size_t n) {
    return std::uint64_t{1} << (LatencyBuckets::first_bits + n);
}
LatencyStatus latency_status(const LatencyCounts& all, const LatencyCounts& minute);

struct ServiceStatus {
    std::string name;
    std::string mode, protocol, scheduler;
    std::vector<std::string> listen;
    std::uint64_t connections = 0;  // accepted, ever
    std::uint64_t sessions = 0;     // open now
    std::uint64_t requests = 0;
    std::array<std::uint64_t, 6> responses{};  // by class; [0]: none could be given
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::uint64_t datagrams_in = 0, datagrams_out = 0;  // udp
    std::uint64_t retries = 0;
    std::uint64_t queued = 0;  // had to wait for a server, ever
    std::uint64_t persistence_entries = 0;
    std::vector<std::pair<std::string, std::uint64_t>> failures;  // by reason id, none of them 0
    LatencyStatus head_time;                                      // to the head of the response
    LatencyStatus total_time;                                     // to the last byte of the answer
    std::vector<ServerStatus> servers;

    bool operator==(const ServiceStatus&) const = default;
};

/// A certificate that is shown to clients.
struct CertificateStatus {
    std::string file;
    std::vector<std::string> names;
    std::string key;             // "rsa", "ecdsa", "other"
    std::int64_t not_after = 0;  // seconds since 1970
    /// What is known of its revocation: "off" (nobody asks), "impossible" (nobody can), "asking",
    /// "good", "revoked", "unknown" (to its responder), "failing" (the responder).
    std::string ocsp;
    std::int64_t stapled_until = 0;  // 0: nothing is stapled

    bool operator==(const CertificateStatus&) const = default;
};

/// Flows of modes dr and nat, of all services.
struct Layer4Status {
    std::uint64_t flows = 0;       // now
    std::uint64_t fast_flows = 0;  // of them, whose packets are sent on in the kernel
    std::string no_fast_path;      // why there is none; empty: there is one
    unsigned threads = 1;

    bool operator==(const Layer4Status&) const = default;
};

struct Status {
    std::string node;
    std::string version;
    double uptime_s = 0;
    std::uint64_t generation = 0;
    std::uint64_t generations_ending = 0;  // older ones that still have sessions
    std::uint64_t workers = 0;
    std::string io;                                 // how the workers do it: "io_uring" or "epoll"
    std::uint64_t connections = 0;                  // of clients, open now
    std::vector<std::uint64_t> worker_connections;  // of these, by worker
    std::uint64_t refused_connections = 0;          // over the limit of client connections, ever
    std::uint64_t accept_errors = 0;  // no file descriptor or memory was free for a client, ever
    std::uint64_t incidents = 0;      // refusals and failures, ever
    bool draining = false;
    std::optional<ha::PairStatus> pair;  // when there are floating addresses or another node
    std::optional<Layer4Status> layer4;
    /// Layer 4: packets that belong to no service, by the reason's name, none of them 0.
    std::vector<std::pair<std::string, std::uint64_t>> packets_dropped;
    std::vector<CertificateStatus> certificates;  // the one that expires first in front
    std::vector<ServiceStatus> services;

    bool operator==(const Status&) const = default;
};

/// A copy of one service's counts and of its servers' states. Not of its response times, for
/// those need a window. Any thread.
ServiceStatus status_of(const proxy::Service& service);
ServerStatus status_of(const pool::RealServer& server);

/// No limit and no time are null; times are as `poise why --json` has them.
std::string status_to_json(const Status& status);
/// The error says what is missing or of the wrong type.
std::expected<Status, std::string> status_from_json(std::string_view json);

struct StatusStyle {
    bool colour = false;
    std::chrono::system_clock::time_point now;  // "since" is shown as an age
    std::size_t columns = 0;  // no line is longer: what matters least is left out; 0: no limit
};

/// The table for people; each line ends in a line feed.
std::string status_text(const Status& status, const StatusStyle& style);
/// One service of it, with the column titles.
std::string service_text(const ServiceStatus& service, const StatusStyle& style);

/// "4s", "3m 20s", "5h 2m", "12d 3h".
std::string age_text(std::chrono::seconds age);
/// "999", "12.3k", "4.5M": at most five characters up to 10^15.
std::string count_text(std::uint64_t count);

}  // namespace poise::app
