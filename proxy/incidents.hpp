// The last refusals and failures, kept so that `poise why` can explain them.
#pragma once

#include "base/address.hpp"
#include "proxy/refusal.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::proxy {

/// Who is at fault.
enum class Side : std::uint8_t { client, server, us };

/// How far the exchange had come.
enum class Phase : std::uint8_t {
    accept,
    proxy_header,
    tls_handshake,
    first_packet,  // of a TCP connection, when it decides where the connection goes
    request_head,
    routing,
    queue,
    connect,
    request_body,
    response_head,
    response_body,
    tunnel
};

/// What the client risks when it sends the request again.
enum class Repeat : std::uint8_t {
    nothing_sent,  // nothing: no byte of it has reached a server
    idempotent,    // nothing: it may have reached one, which does no harm twice (RFC 9110 9.2.2)
    risky          // a server may have acted on it
};

std::string_view word(Side side);      // "client"
std::string_view word(Phase phase);    // "response_head"
std::string_view word(Repeat repeat);  // "nothing_sent"

/// The side that a reason blames.
Side side_of(Reason reason);

struct Incident {
    std::chrono::system_clock::time_point at;
    std::string request_id;
    std::string service;
    std::string server;  // the last one tried; empty: none was
    Address client;
    Reason reason = Reason::none;
    Side side = Side::us;
    Phase phase = Phase::request_head;
    std::optional<std::size_t> offset;  // of the offending byte in the message
    Repeat repeat = Repeat::nothing_sent;
    std::uint8_t attempts = 0;  // connections to servers tried
    std::string detail;         // "connect refused"; cut at detail_bytes_max
};

/// Bounded: a new incident takes the place of the oldest. Guarded by a mutex, which only failed
/// requests take. Any thread.
class Incidents {
public:
    static constexpr std::size_t capacity_default = 4'096;
    static constexpr std::size_t detail_bytes_max = 512;

    explicit Incidents(std::size_t capacity = capacity_default);

    void add(Incident incident);

    /// The newest one of that request.
    std::optional<Incident> find(std::string_view request_id) const;

    /// Up to `count`, the newest first.
    std::vector<Incident> last(std::size_t count) const;

    std::uint64_t total() const;  // ever added

private:
    const Incident& newest(std::size_t age) const;  // 0 is the newest; needs the mutex

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::vector<Incident> ring_;  // grows up to capacity_
    std::uint64_t total_ = 0;
};

}  // namespace poise::proxy
