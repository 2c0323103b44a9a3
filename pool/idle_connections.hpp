// Connections to real servers that wait for their next request: one set a worker.
#pragma once

#include "base/stream.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace poise::pool {

class RealServer;

/// Last in, first out, so that a burst's surplus grows old and goes. A connection that has an
/// event while it idles (closed by the server, or bytes nobody asked for) is never handed out.
class IdleConnections {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// At most `per_server_max` wait for each server; the oldest goes first.
    explicit IdleConnections(std::size_t per_server_max) : per_server_max_(per_server_max) {}

    /// A connection that may be used, or null.
    std::unique_ptr<Stream> take(const RealServer& server);

    /// Keeps `stream`, over which nothing is outstanding, for at most `idle` from now; closes it
    /// when `server` is not known.
    void put(const RealServer& server, std::unique_ptr<Stream> stream, TimePoint now,
             std::chrono::milliseconds idle);

    /// Closes what has expired or was closed by the server. About once a second.
    void sweep(TimePoint now);

    /// From now on keeps connections to these servers only and closes all others. Who calls keeps
    /// them alive until the next call: a server that is gone must never be taken for another one
    /// that has got its place in memory, so what a session of an earlier configuration brings
    /// back is closed. None are known before the first call.
    void serve(std::span<const RealServer* const> known);
    void clear() { by_server_.clear(); }

    std::size_t size() const;

private:
    struct Idle {
        std::unique_ptr<Stream> stream;
        TimePoint expires;
        std::uint32_t address_generation = 0;
    };

    std::size_t per_server_max_;
    std::unordered_map<const RealServer*, std::vector<Idle>> by_server_;  // oldest first
};

}  // namespace poise::pool
