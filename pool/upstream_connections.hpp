// A worker's connections to real servers: those that wait for their next request, and how many
// are busy.
#pragma once

#include "base/stream.hpp"
#include "base/wait_line.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace poise::pool {

class RealServer;

/// Idle connections are last in, first out, so that a burst's surplus grows old and goes. One that
/// has an event while it idles (closed by the server, or bytes nobody asked for) is never handed
/// out.
///
/// A server that gives connections back quickly is not served sooner over more of them; each only
/// costs both sides memory and wake-ups. So a request may wait for one to come back: see crowded().
class UpstreamConnections {
    struct Server;

public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// So many busy connections to one server keep a worker busy, when they come back quickly.
    static constexpr std::size_t enough = 32;

    /// One busy connection, or one that is being made. Ends before the connections do. When fewer
    /// than enough are busy after it, the next request that waits is called.
    class Use {
    public:
        Use() = default;
        Use(Use&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
        Use& operator=(Use&& other) noexcept;
        ~Use() { end(); }
        void end();

    private:
        friend class UpstreamConnections;
        explicit Use(Server* server);
        Server* server_ = nullptr;  // null: of none
    };

    /// So many of a server stay for as long as they may; more, which a burst has made, for a few
    /// seconds: until it is known that there are no others.
    static constexpr std::size_t settled = 256;
    static constexpr std::chrono::seconds surplus_limit{5};

    struct Limits {
        std::size_t per_server = 0;  // idle ones; the oldest goes first
        std::size_t all = 0;         // of all servers: a server gets no more then
    };

    explicit UpstreamConnections(Limits limits) : limits_(limits) {}
    ~UpstreamConnections();  // nobody waits, nothing is in use
    UpstreamConnections(const UpstreamConnections&) = delete;
    UpstreamConnections& operator=(const UpstreamConnections&) = delete;

    /// An idle connection that may be used, or null. Who has not stood in line gets none while
    /// others do.
    std::unique_ptr<Stream> take(const RealServer& server, bool from_line = false);

    /// Keeps `stream`, over which nothing is outstanding, for at most `idle` from now
    /// (surplus_limit when there are settled others); closes it when `server` is not known. Ends
    /// its use.
    void put(const RealServer& server, std::unique_ptr<Stream> stream, Use use, TimePoint now,
             std::chrono::milliseconds idle);

    Use use(const RealServer& server);

    /// Enough connections are busy, and they come back so quickly (of late, each within a few
    /// milliseconds) that the next one is worth waiting for; or others wait already, which means
    /// nothing to who was called `from_line`.
    bool crowded(const RealServer& server, TimePoint now, bool from_line = false);
    /// Where one waits. Null when `server` is not known.
    WaitLine* line(const RealServer& server);

    /// Closes what has expired or was closed by the server. Some times a second.
    void sweep(TimePoint now);

    /// From now on keeps connections to these servers only and closes all others. Who calls keeps
    /// them alive until the next call: a server that is gone must never be taken for another one
    /// that has got its place in memory, so what a session of an earlier configuration brings
    /// back is closed. None are known before the first call.
    void serve(std::span<const RealServer* const> known);
    /// Closes all that are idle.
    void clear();

    std::size_t size() const { return size_; }  // idle ones

private:
    struct Idle {
        std::unique_ptr<Stream> stream;
        TimePoint expires;
        std::uint32_t address_generation = 0;
    };
    struct Server {
        std::vector<Idle> idle;  // oldest first
        WaitLine line;
        std::size_t busy = 0;
        // How quickly connections come back: counted since, and the rate of the time before.
        TimePoint counted_since{};
        std::uint32_t returns = 0;
        double returns_per_ms = 0;

        void note_return(TimePoint now);
        bool unused() const { return busy == 0 && line.empty(); }
    };
    Server* find(const RealServer& server);

    void forget(Server& server);

    Limits limits_;
    std::size_t size_ = 0;
    std::unordered_map<const RealServer*, std::unique_ptr<Server>> by_server_;
    std::vector<std::unique_ptr<Server>> gone_;  // not known any more, until their last use ends
};

}  // namespace poise::pool
