// A worker's HTTP/2 connections to real servers, each shared by many requests.
#pragma once

#include "base/stream.hpp"
#include "base/task.hpp"
#include "base/wait_line.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace poise::pool {
class RealServer;
}

namespace poise::proxy {

class BufferPool;
class Http2Memory;
struct Http2Upstream;

/// The requests of one worker to one server share as few connections as their number allows: the
/// oldest with room is filled first, so that a burst's surplus runs dry and ends. A connection
/// lives in a coroutine of its own, which reads for all its requests.
class Http2Upstreams {
public:
    /// At most so many connections of a worker to one server.
    static constexpr std::size_t connections_max = 16;

    Http2Upstreams(Engine& engine, BufferPool& buffers, Http2Memory& memory);
    ~Http2Upstreams();  // the engine has ended all coroutines
    Http2Upstreams(const Http2Upstreams&) = delete;
    Http2Upstreams& operator=(const Http2Upstreams&) = delete;

    /// A stream for one request on a connection that has room; null: there is none.
    std::unique_ptr<Stream> open(const pool::RealServer& server);

    /// Takes a connection over which the server was found to speak HTTP/2, keeps it for `idle`
    /// when no request runs, and opens the first stream on it. Null: the server is not known.
    std::unique_ptr<Stream> add(const pool::RealServer& server, std::unique_ptr<Stream> connected,
                                std::chrono::milliseconds idle);

    /// A connection to the server is being made, from now to the end of this: who comes
    /// meanwhile waits for it.
    class Making {
    public:
        Making(Http2Upstreams& upstreams, const pool::RealServer& server);
        ~Making();
        Making(const Making&) = delete;
        Making& operator=(const Making&) = delete;

    private:
        Http2Upstreams& upstreams_;
        const pool::RealServer& server_;
    };

    /// Where to wait for a stream, when no more connections are to be made now; else null.
    WaitLine* line(const pool::RealServer& server);

    /// As UpstreamConnections::serve: from now on there are connections to these servers only.
    void serve(std::span<const pool::RealServer* const> known);

private:
    friend struct Http2Upstream;
    struct Server {
        std::vector<Http2Upstream*> connections;  // oldest first; owned by their coroutines
        WaitLine line;
        std::size_t making = 0;
    };
    static Task<void> run(std::unique_ptr<Http2Upstream> owned);
    Server* find(const pool::RealServer& server);

    Engine& engine_;
    BufferPool& buffers_;
    Http2Memory& memory_;
    std::unordered_map<const pool::RealServer*, std::unique_ptr<Server>> by_server_;
    std::vector<std::unique_ptr<Server>> gone_;  // until nobody waits and the last has ended
};

}  // namespace poise::proxy
