#include "proxy/server_queue.hpp"

#include "base/engine.hpp"
#include "proxy/client.hpp"
#include "proxy/upstream.hpp"

#include <bit>

namespace poise::proxy {

namespace {

// A place in the worker's line, and the marks that tell the other workers of it.
class MarkedPlace {
public:
    MarkedPlace(ServerQueue& queue, Client& client, const pool::RealServer* wanted)
        : queue_(queue),
          line_(queue.lines.at(client.worker.index())),
          bit_(std::uint64_t{1} << client.worker.index()),
          open_(wanted == nullptr ? 1 : 0),
          place_(line_, client.waiter, wanted) {
        queue_.length.fetch_add(1, std::memory_order_relaxed);
        queue_.open.fetch_add(open_, std::memory_order_seq_cst);
        if (line_.size() == 1) queue_.waiting_workers.fetch_or(bit_, std::memory_order_seq_cst);
    }
    ~MarkedPlace() {
        queue_.length.fetch_sub(1, std::memory_order_relaxed);
        queue_.open.fetch_sub(open_, std::memory_order_seq_cst);
        if (line_.size() == 1) queue_.waiting_workers.fetch_and(~bit_, std::memory_order_seq_cst);
    }
    MarkedPlace(const MarkedPlace&) = delete;
    MarkedPlace& operator=(const MarkedPlace&) = delete;

    /// Called, or new and overtaking nobody: a place that became free just before it stood here
    /// has been called out to no one.
    bool may_look(bool is_new) const {
        return place_.called() || (is_new && (open_ == 0 || line_.open() == 1));
    }
    WaitLine::Place& place() { return place_; }

private:
    ServerQueue& queue_;
    WaitLine& line_;
    std::uint64_t bit_;
    std::uint32_t open_;
    WaitLine::Place place_;
};

// With a request out nobody half-closes who still waits for its answer; over TCP one may.
bool is_gone(const Client& client, const WorkerService& service) {
    const bool half_closes = service.service.configured.protocol != config::Protocol::http;
    return client.stream->broken() || (client.stream->hung_up() && !half_closes);
}

// Reason::none: a server was taken.
Task<Reason> wait_in_line(Client& client, WorkerService& service, Choice& choice,
                          std::chrono::milliseconds limit) {
    MarkedPlace marked(*service.service.queue, client, choice.wanted());
    service.counters.queued.add();
    client.waiter.expires_after(limit);
    for (bool is_new = true;; is_new = false) {
        if (marked.may_look(is_new)) {
            const auto picked = choice.take(client.worker.engine().now());
            if (picked.server != nullptr) co_return Reason::none;
            if (picked.failure == pool::PickFailure::no_server) co_return Reason::no_server;
            // What is free may be a server that an older configuration does not know.
            if (client.generation() == client.worker.current())
                marked.place().wait_on();
            else
                marked.place().pass_on();
        }
        client.stream->want(client.waiter, Direction::none);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::timed_out) co_return Reason::queue_timeout;
        if (why == Wake::cancelled || service.ended) co_return Reason::draining;
        if (is_gone(client, service)) co_return Reason::client_closed;
    }
}

// Comes back when nobody there waits for `server`, which is compared and never looked into: it
// may be gone by then.
void call_elsewhere(Worker& worker, unsigned index, const std::shared_ptr<ServerQueue>& queue,
                    const pool::RealServer* server) {
    Worker* asked = worker.shared().workers.at(index);
    Worker* asker = &worker;
    asked->engine().post([asked, asker, queue, server] {
        if (queue->lines[asked->index()].call_next(server)) return;
        asker->engine().post(
            [asker, queue, server] { queue->lines[asker->index()].call_next(server); });
    });
}

}  // namespace

Task<Reason> wait_for_server(Client& client, WorkerService& service, Choice& choice,
                             std::chrono::milliseconds limit) {
    const auto& queue = service.service.queue;
    if (queue->is_free() || choice.wanted() != nullptr) {
        const auto picked = choice.take(client.worker.engine().now());
        if (picked.server != nullptr) co_return Reason::none;
        if (picked.failure == pool::PickFailure::no_server) co_return Reason::no_server;
    }
    if (queue->length.load(std::memory_order_relaxed) >=
        service.service.configured.limits.queue_length)
        co_return Reason::queue_full;
    const Reason reason = co_await wait_in_line(client, service, choice, limit);
    // Nothing was taken, or there is room for one more.
    const auto* server = choice.server();
    if (server == nullptr || !server->full()) call_next(client.worker, queue, server);
    co_return reason;
}

void call_next(Worker& worker, const std::shared_ptr<ServerQueue>& queue,
               const pool::RealServer* server) {
    // Ordered with a waiting worker's own mark and look: one of the two sees the other.
    const auto waiting = queue->waiting_workers.load(std::memory_order_seq_cst);
    if (waiting == 0) return;
    const unsigned next = worker.next_turn(waiting);
    if (next == worker.index()) {
        if (queue->lines[next].call_next(server)) return;
        const auto others = waiting & ~(std::uint64_t{1} << next);
        if (others != 0) call_elsewhere(worker, worker.next_turn(others), queue, server);
        return;
    }
    call_elsewhere(worker, next, queue, server);
}

}  // namespace poise::proxy
