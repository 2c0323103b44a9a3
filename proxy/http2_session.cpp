#include "proxy/http2_session.hpp"

#include "base/engine.hpp"
#include "proxy/http2_connection.hpp"
#include "proxy/io.hpp"
#include "proxy/request_run.hpp"
#include "proxy/session_report.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace poise::proxy {

namespace {

using Turn = Http2Connection::Turn;
using std::chrono::milliseconds;

// While requests run, theirs are the limits; looks about once a day all the same.
constexpr std::chrono::hours no_limit{24};
// Between "no more requests" and the last one that is served: a round trip, so that what is on
// its way is served, too (RFC 9113 section 6.8).
constexpr milliseconds notice{1'000};

// What the connection waits for: its limit starts when that changes.
enum class Waits : std::uint8_t { nothing, request, head, reader, requests, end };

// Coroutines are made for as many requests as there are at once, and wait for the next one then.
constexpr std::size_t idle_runners_max = 256;  // a worker
constexpr std::chrono::seconds runner_rest{10};

}  // namespace

struct RequestRunner {
    explicit RequestRunner(Engine& engine) : waiter(engine) {}

    Waiter waiter;                 // for the next request
    std::optional<Client> client;  // of the present one
};

namespace {

// One request after the other, of any connection of the worker; the first one is given.
Task<void> run_requests(Client* connection, std::unique_ptr<MessageStream> stream) {
    Worker& worker = connection->worker;
    RequestRunner runner(worker.engine());
    runner.client.emplace(*connection, std::move(stream));
    while (runner.client) {
        Client& client = *runner.client;
        auto exchange = worker.take_exchange();
        exchange->begin(client);
        const bool good = exchange->take_head(client);
        const After after = good ? co_await serve_request(client, *exchange)
                                 : co_await answer_failure(client, *exchange);
        exchange->reset();
        worker.give_back(std::move(exchange));
        if (after == After::cut) client.stream->reset_on_close();
        if (after == After::reject) client.message()->reject_on_close();
        runner.client.reset();
        if (worker.idle_runners.size() == idle_runners_max) co_return;
        worker.idle_runners.push_back(&runner);
        runner.waiter.expires_after(runner_rest);
        co_await runner.waiter.sleep();
        if (!runner.client) std::erase(worker.idle_runners, &runner);
    }
}

void run_request(Client& connection, std::unique_ptr<MessageStream> stream) {
    std::vector<RequestRunner*>& idle = connection.worker.idle_runners;
    if (idle.empty())
        return connection.worker.engine().spawn(run_requests, &connection, std::move(stream));
    RequestRunner& runner = *idle.back();
    idle.pop_back();
    runner.client.emplace(connection, std::move(stream));
    runner.waiter.resume_now();
}

class Session {
public:
    explicit Session(Client& client)
        : client_(client),
          connection_(Http2Connection::Role::server, *client.stream, client.waiter,
                      client.worker.buffers(), client.worker.http2_memory(),
                      {limits().header_bytes, limits().header_fields}) {}

    Http2Connection& connection() { return connection_; }

    void start_requests() {
        for (auto& stream : connection_.take_arrived()) {
            client_.asked = true;
            if (client_.requests_running == 0) client_.follow_reload();
            run_request(client_, std::move(stream));
        }
    }

    void set_limit() {
        const Waits now = waits_for();
        const auto moved = connection_.bytes_out();
        const bool same = now == waits_ && (now != Waits::reader || moved == moved_);
        if (!same) client_.waiter.expires_after(limit_of(now));
        waits_ = now;
        moved_ = moved;
    }

    // The limit has passed. False: the connection is to end.
    bool time_out() {
        if (waits_ == Waits::end) {
            connection_.announce_end();
            client_.waiter.expires_after(no_limit);
            waits_ = Waits::nothing;
            return true;
        }
        return waits_ == Waits::requests;
    }

private:
    const config::Limits& limits() const {
        return client_.worker_service().service.configured.limits;
    }

    Waits waits_for() const {
        if (connection_.end_announced() && !connection_.end_named()) return Waits::end;
        if (connection_.output_blocked()) return Waits::reader;
        if (connection_.within_headers()) return Waits::head;
        if (connection_.running() > 0) return Waits::requests;
        return Waits::request;
    }

    milliseconds limit_of(Waits waits) const {
        const auto& timeouts = client_.worker_service().service.configured.timeouts;
        switch (waits) {
            case Waits::request:
                return client_.asked ? timeouts.keep_alive : timeouts.header;
            case Waits::head:
                return timeouts.header;
            case Waits::reader:
                return timeouts.idle;
            case Waits::end:
                return notice;
            default:
                return no_limit;
        }
    }

    Client& client_;
    Http2Connection connection_;
    Waits waits_ = Waits::nothing;
    std::uint64_t moved_ = 0;
};

Task<void> relay(Client& client, Session& session) {
    Http2Connection& connection = session.connection();
    for (;;) {
        const Turn turn = connection.turn(client.in);
        session.start_requests();
        if (turn == Turn::ended) co_return;
        if (client.pinned().lost()) connection.announce_end();
        if (client.is_leaving() && !connection.end_announced()) connection.announce_end();
        if (connection.end_named() && connection.running() == 0) connection.end_now(0);
        session.set_limit();
        if (turn == Turn::again) client.waiter.wake();
        connection.arm();
        client.pinned().watch(client.waiter);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::cancelled) co_return;
        if (why == Wake::timed_out && !session.time_out()) {
            connection.end_now(0);
            connection.turn(client.in);
            co_return;
        }
    }
}

// Requests that still run find their streams broken and end.
Task<void> wait_for_requests(Client& client) {
    client.waiter.expires_after(no_limit);
    while (client.requests_running > 0)
        co_await client.waiter.sleep();
}

}  // namespace

Task<void> run_http2_session(std::unique_ptr<Client> owned) {
    Client& client = *owned;
    Reason reason = Reason::none;
    bool says_goodbye = false;
    {
        Session session(client);
        co_await relay(client, session);
        reason = session.connection().ended_by();
        says_goodbye = !session.connection().peer_gone();
    }
    co_await wait_for_requests(client);
    if (reason != Reason::none) report_early_failure(client, {reason, Phase::request_head});
    if (says_goodbye) co_await linger(client.waiter, *client.stream, client.worker.buffers());
}

}  // namespace poise::proxy
