// Waiting for a server that is below its max_connections: bounded in number and time, first come
// first served on each worker, the workers in turn.
#pragma once

#include "base/task.hpp"
#include "base/wait_line.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace poise::pool {
class RealServer;
}  // namespace poise::pool

namespace poise::proxy {

class Choice;
class Client;
class Worker;
enum class Reason : std::uint8_t;
struct WorkerService;

/// Of one service; kept over reloads, so that who waits under the old configuration is called
/// when a place becomes free under the new one.
struct ServerQueue {
    explicit ServerQueue(unsigned workers) : lines(workers) {}

    std::vector<WaitLine> lines;                    // one a worker, for its own thread
    std::atomic<std::uint64_t> waiting_workers{0};  // a bit for each whose line is not empty
    std::atomic<std::uint32_t> length{0};           // of all lines together
    std::atomic<std::uint32_t> open{0};             // of those, who wait for any server

    /// Nobody would be overtaken by who takes any server.
    bool is_free() const { return open.load(std::memory_order_seq_cst) == 0; }
};

/// Takes a server for `choice`, waiting at most `limit` when all are full, or the one to which
/// persistence ties the client is. Reason::none: taken; else no_server, queue_full,
/// queue_timeout, client_closed or draining. Child coroutine.
Task<Reason> wait_for_server(Client& client, WorkerService& service, Choice& choice,
                             std::chrono::milliseconds limit);

/// A place on `server` has become free (null: on any): wakes who waits for one, on this worker or
/// another.
void call_next(Worker& worker, const std::shared_ptr<ServerQueue>& queue,
               const pool::RealServer* server);

}  // namespace poise::proxy
