#include "proxy/http1_session.hpp"

#include "base/engine.hpp"
#include "proxy/exchange.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/io.hpp"
#include "proxy/parked_client.hpp"
#include "proxy/request_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace poise::proxy {

namespace {

using HeadState = Exchange::HeadState;

// After so long without a byte a client is parked: longer than the pauses of a busy client, so that
// only idle ones pay for a new coroutine.
constexpr std::chrono::milliseconds parked_after{100};

enum class Pause : std::uint8_t { over, quiet, ends };

std::chrono::milliseconds pause_limit(const Client& client) {
    const auto& timeouts = client.worker_service().service.configured.timeouts;
    return client.asked ? timeouts.keep_alive : timeouts.header;
}

// Waits for the first byte of a request: over when it has come.
Task<Pause> wait_for_request(Client& client) {
    const auto limit = pause_limit(client);
    client.in.release_if_empty();
    client.waiter.expires_after(std::min(limit, parked_after));
    while (client.in.empty() && !client.stream->readable()) {
        if (client.pinned().lost()) co_return Pause::ends;
        client.follow_reload();
        client.stream->want(client.waiter, Direction::read);
        client.pinned().watch(client.waiter);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::ready) continue;
        // Who has just been answered may be sending already: its next answer tells it to go.
        const bool quiet = why == Wake::timed_out && limit > parked_after && !client.is_leaving();
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
        if (state == HeadState::http2) {
            after = After::http2;
            co_return false;
        }
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

// One request from its first byte to the end of its response.
Task<After> receive_and_serve(Client& client, Exchange& exchange) {
    After after = After::close;
    const HeadState state = exchange.read_head(client);
    if (state != HeadState::whole && !co_await receive_head(client, exchange, state, after))
        co_return after;
    co_return co_await serve_request(client, exchange);
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
        after = co_await receive_and_serve(client, *exchange);
        exchange->reset();
        worker.give_back(std::move(exchange));
        if (after == After::http2) co_return co_await run_http2_session(std::move(owned));
        // Who sends one request behind the other must not keep the worker from all others.
        const bool more = !client.in.empty() || client.stream->readable();
        if (after == After::keep_alive && more) co_await client.waiter.yield();
    }
    if (after == After::linger) co_await linger(client.waiter, *client.stream, worker.buffers());
    if (after == After::cut) client.stream->reset_on_close();
}

}  // namespace poise::proxy
