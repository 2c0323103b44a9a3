#include "proxy/http1_session.hpp"

#include "base/engine.hpp"
#include "proxy/exchange.hpp"
#include "proxy/http1_upstream.hpp"
#include "proxy/io.hpp"
#include "proxy/parked_client.hpp"
#include "proxy/session_answer.hpp"
#include "proxy/session_report.hpp"
#include "proxy/tunnel.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace poise::proxy {

namespace {

using HeadState = Exchange::HeadState;
using Step = Exchange::Step;

// After so long without a byte a client is parked: longer than the pauses of a busy client, so that
// only idle ones pay for a new coroutine.
constexpr std::chrono::milliseconds parked_after{100};

enum class Pause : std::uint8_t { over, quiet, ends };

std::chrono::milliseconds pause_limit(const Client& client) {
    const auto& timeouts = client.worker_service().service.configured.timeouts;
    return client.requests == 0 ? timeouts.header : timeouts.keep_alive;
}

// Waits for the first byte of a request: over when it has come.
Task<Pause> wait_for_request(Client& client) {
    const auto limit = pause_limit(client);
    client.in.release_if_empty();
    client.waiter.expires_after(std::min(limit, parked_after));
    while (client.in.empty() && !client.stream->readable()) {
        if (client.is_leaving() || client.pinned.lost()) co_return Pause::ends;
        client.follow_reload();
        client.stream->want(client.waiter, Direction::read);
        client.pinned.watch(client.waiter);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::ready) continue;
        const bool quiet = why == Wake::timed_out && limit > parked_after;
        co_return quiet ? Pause::quiet : Pause::ends;
    }
    client.follow_reload();  // else it is served once more, and told to close
    co_return Pause::over;
}

// The head, within its time; `state` is what the first look has found. False: `after` says how
// the connection ends.
Task<bool> receive_head(Client& client, Exchange& exchange, HeadState state, After& after) {
    const auto& timeouts = client.worker_service().service.configured.timeouts;
    client.waiter.expires_after(timeouts.header);
    for (;; state = exchange.read_head(client)) {
        if (state == HeadState::whole) co_return true;
        if (state == HeadState::client_gone) {
            after = After::close;
            co_return false;
        }
        if (state == HeadState::refused) {
            after = co_await answer_failure(client, exchange);
            co_return false;
        }
        if (client.in.empty()) client.in.release();
        client.stream->want(client.waiter, Direction::read);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::ready) continue;
        after = After::close;
        if (why == Wake::timed_out && !client.in.empty()) {
            exchange.fail({Reason::header_timeout, Phase::request_head});
            after = co_await answer_failure(client, exchange);
        }
        co_return false;
    }
}

// Steps until the exchange has come to an end of some kind.
Task<Step> run_exchange(Client& client, Exchange& exchange) {
    for (;;) {
        const Step step = exchange.step(client);
        if (step != Step::waits && step != Step::again) co_return step;
        if (step == Step::again) client.waiter.wake();
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::ready && !exchange.service->ended) continue;
        if (why == Wake::timed_out)
            exchange.time_out();
        else
            exchange.fail({Reason::draining, Phase::response_body});
        co_return Step::failed;
    }
}

Task<After> relay_tunnel(Client& client, Exchange& exchange) {
    exchange.keep_head(client);  // for the report
    exchange.consume_request(client);
    auto upstream = std::move(exchange.upstream);
    exchange.use.end();  // it will not come back
    const auto result =
        co_await run_tunnel(client, *exchange.service, *exchange.choice.server(), *upstream,
                            exchange.take_tunnel_start(), exchange.timeouts->tunnel);
    exchange.bytes_in += result.from_client;
    exchange.bytes_out += result.from_server;
    if (result.reason != Reason::none && result.reason != Reason::client_closed)
        exchange.fail({result.reason, Phase::tunnel, std::nullopt, result.error});
    exchange.note_bytes(0);
    report_exchange(client, exchange);
    exchange.choice.release(client.worker);
    co_return After::close;
}

After finish_response(Client& client, Exchange& exchange) {
    note_server_success(exchange);
    exchange.note_bytes(0);
    report_exchange(client, exchange);
    const bool reusable = exchange.client_reusable(client);
    if (exchange.upstream_reusable()) keep_upstream(client, exchange);
    exchange.choice.release(client.worker);
    if (reusable) {
        exchange.consume_request(client);
        return After::keep_alive;
    }
    const bool unread = !exchange.request_whole() || client.stream->readable();
    return unread ? After::linger : After::close;
}

// One request from its first byte to the end of its response.
Task<After> serve_request(Client& client, Exchange& exchange) {
    After after = After::close;
    const HeadState state = exchange.read_head(client);
    if (state != HeadState::whole && !co_await receive_head(client, exchange, state, after))
        co_return after;
    ++client.requests;
    if (!exchange.route(client)) co_return co_await answer_failure(client, exchange);

    exchange.choice.begin(*exchange.service, exchange.effective_client(), client.dialled,
                          &exchange.request(), client.worker.engine().now());
    for (;;) {
        if (!take_ready_upstream(client, exchange) && !co_await connect_upstream(client, exchange))
            co_return co_await answer_failure(client, exchange);
        switch (co_await run_exchange(client, exchange)) {
            case Step::done:
                co_return finish_response(client, exchange);
            case Step::tunnel:
                co_return co_await relay_tunnel(client, exchange);
            case Step::retry:
                if (prepare_retry(client, exchange)) continue;
                [[fallthrough]];
            default:
                note_server_failure(exchange);
                co_return co_await answer_failure(client, exchange);
        }
    }
}

}  // namespace

Task<void> run_http1_session(std::unique_ptr<Client> owned) {
    Client& client = *owned;
    Worker& worker = client.worker;
    After after = After::keep_alive;
    while (after == After::keep_alive) {
        const Pause pause = client.in.empty() ? co_await wait_for_request(client) : Pause::over;
        if (pause == Pause::quiet)
            co_return park(std::move(owned), pause_limit(client) - parked_after);
        if (pause == Pause::ends) break;
        auto exchange = worker.take_exchange();
        exchange->begin(client);
        after = co_await serve_request(client, *exchange);
        exchange->reset();
        worker.give_back(std::move(exchange));
        // Who sends one request behind the other must not keep the worker from all others.
        const bool more = !client.in.empty() || client.stream->readable();
        if (after == After::keep_alive && more) co_await client.waiter.yield();
    }
    if (after == After::linger) co_await linger(client.waiter, *client.stream, worker.buffers());
    if (after == After::cut) client.stream->reset_on_close();
}

}  // namespace poise::proxy
