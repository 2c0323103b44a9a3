#include "proxy/server_queue.hpp"

#include "base/engine.hpp"
#include "proxy/client.hpp"
#include "proxy/upstream.hpp"

#include <bit>

namespace poise::proxy {

namespace {

// A place in the worker's line, and the mark that tells the other workers of it.
class MarkedPlace {
public:
    MarkedPlace(ServerQueue& queue, Client& client)
        : queue_(queue),
          line_(queue.lines.at(client.worker.index())),
          bit_(std::uint64_t{1} << client.worker.index()),
          place_(line_, client.waiter) {
        queue_.length.fetch_add(1, std::memory_order_relaxed);
        if (line_.size() == 1) queue_.waiting_workers.fetch_or(bit_, std::memory_order_seq_cst);
    }
    ~MarkedPlace() {
        queue_.length.fetch_sub(1, std::memory_order_relaxed);
        if (line_.size() == 1) queue_.waiting_workers.fetch_and(~bit_, std::memory_order_seq_cst);
    }
    MarkedPlace(const MarkedPlace&) = delete;
    MarkedPlace& operator=(const MarkedPlace&) = delete;

    WaitLine::Place& place() { return place_; }

private:
    ServerQueue& queue_;
    WaitLine& line_;
    std::uint64_t bit_;
    WaitLine::Place place_;
};

// Reason::none: a server was taken.
Task<Reason> wait_in_line(Client& client, WorkerService& service, Choice& choice,
                          std::chrono::milliseconds limit) {
    MarkedPlace marked(*service.service.queue, client);
    WaitLine::Place& place = marked.place();
    service.counters.queued.add();
    client.waiter.expires_after(limit);
    for (;;) {
        if (place.is_first()) {
            const auto picked = choice.take(client.worker.engine().now());
            if (picked.server != nullptr) co_return Reason::none;
            if (picked.failure == pool::PickFailure::no_server) co_return Reason::no_server;
            place.wait_on();
        }
        client.stream->want(client.waiter, Direction::none);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::timed_out) co_return Reason::queue_timeout;
        if (why == Wake::cancelled) co_return Reason::draining;
        // With a request out nobody half-closes who still waits for its answer; over TCP one may.
        const bool half_closes = service.service.configured.protocol == config::Protocol::tcp;
        if (client.stream->broken() || (client.stream->hung_up() && !half_closes))
            co_return Reason::client_closed;
    }
}

}  // namespace

Task<Reason> wait_for_server(Client& client, WorkerService& service, Choice& choice,
                             std::chrono::milliseconds limit) {
    const auto& queue = service.service.queue;
    if (queue->empty()) {
        const auto picked = choice.take(client.worker.engine().now());
        if (picked.server != nullptr) co_return Reason::none;
        if (picked.failure == pool::PickFailure::no_server) co_return Reason::no_server;
    }
    if (queue->length.load(std::memory_order_relaxed) >=
        service.service.configured.limits.queue_length)
        co_return Reason::queue_full;
    const Reason reason = co_await wait_in_line(client, service, choice, limit);
    // Nothing was taken, or there is room for one more.
    if (choice.server() == nullptr || !choice.server()->full()) call_next(client.worker, queue);
    co_return reason;
}

void call_next(Worker& worker, const std::shared_ptr<ServerQueue>& queue) {
    // Ordered with a waiting worker's own mark and look: one of the two sees the other.
    const auto waiting = queue->waiting_workers.load(std::memory_order_seq_cst);
    if (waiting == 0) return;
    const unsigned next = worker.next_turn(waiting);
    if (next == worker.index()) {
        queue->lines[next].call_next();
        return;
    }
    Worker* other = worker.shared().workers.at(next);
    other->engine().post([other, queue] {
        if (!queue->lines[other->index()].call_next()) call_next(*other, queue);
    });
}

}  // namespace poise::proxy
