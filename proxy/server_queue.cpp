#include "proxy/server_queue.hpp"

#include "base/engine.hpp"

#include <algorithm>

namespace poise::proxy {

namespace {

// A place in the queue, given up whatever way the wait ends.
class Place {
public:
    Place(WorkerService& service, Client& client)
        : service_(service),
          waiter_(client.waiter),
          bit_(std::uint64_t{1} << client.worker.index()) {
        service_.queue.push_back(&waiter_);
        service_.service.waiting_workers.fetch_or(bit_, std::memory_order_seq_cst);
        service_.counters.queued.add();
    }
    ~Place() {
        std::erase(service_.queue, &waiter_);
        if (service_.queue.empty())
            service_.service.waiting_workers.fetch_and(~bit_, std::memory_order_seq_cst);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool is_first() const { return service_.queue.front() == &waiter_; }

private:
    WorkerService& service_;
    Waiter& waiter_;
    std::uint64_t bit_;
};

// Reason::none: a server was taken.
Task<Reason> wait_in_line(Client& client, WorkerService& service, Choice& choice,
                          std::chrono::milliseconds limit) {
    const Place place(service, client);
    client.waiter.expires_after(limit);
    for (;;) {
        if (place.is_first()) {
            const auto picked = choice.take(client.worker.engine().now());
            if (picked.server != nullptr) co_return Reason::none;
            if (picked.failure == pool::PickFailure::no_server) co_return Reason::no_server;
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
    if (service.queue.empty()) {
        const auto picked = choice.take(client.worker.engine().now());
        if (picked.server != nullptr) co_return Reason::none;
        if (picked.failure == pool::PickFailure::no_server) co_return Reason::no_server;
    }
    if (service.queue.size() >= service.service.configured.limits.queue_length)
        co_return Reason::queue_full;
    const Reason reason = co_await wait_in_line(client, service, choice, limit);
    client.worker.wake_queue(service);  // there may be room for the next one, too
    co_return reason;
}

}  // namespace poise::proxy
