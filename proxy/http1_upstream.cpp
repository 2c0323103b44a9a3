#include "proxy/http1_upstream.hpp"

#include "base/engine.hpp"
#include "proxy/server_connect.hpp"
#include "proxy/server_queue.hpp"

#include <optional>
#include <utility>

namespace poise::proxy {

namespace {

// At the rate that makes one wait (crowded()) a thousand wait less. Not below a tick of the wheel:
// all who wait would make connections at once when it comes.
constexpr std::chrono::milliseconds next_connection_limit{150};

// Static texts: the server's report keeps a pointer to the last one.
const char* failure_text(Reason reason) {
    switch (reason) {
        case Reason::response_timeout:
            return "no response in time";
        case Reason::response_reset:
            return "closed without a response";
        case Reason::response_cut:
            return "closed within a response";
        case Reason::bad_response:
            return "malformed response";
        case Reason::response_head_too_long:
            return "response head too long";
        default:
            return connect_failure_text(reason);
    }
}

bool sends_proxy_header(const Exchange& exchange) {
    return exchange.service->service.configured.send_proxy != config::ProxyProtocol::off;
}

// The connection that belongs to this client, when it is still good for this service.
bool take_pinned(Client& client, Exchange& exchange) {
    const Service& service = exchange.service->service;
    auto pinned = client.pinned().take(service);
    if (!pinned) return false;
    if (client.message() != nullptr) exchange.loan = client.pinned().lend(service);
    exchange.choice.take_pinned(*pinned->server);
    if (pinned->authenticated) exchange.pin_upstream();
    exchange.begin_attempt(client, std::move(pinned->stream), true);
    return true;
}

// Another request of this client runs over the connection that belongs to it. False: it took too
// long, or the client is gone.
Task<bool> await_loan(Client& client, Exchange& exchange) {
    if (!client.pinned().is_lent(exchange.service->service)) co_return true;
    WaitLine::Place place(client.pinned().line(), client.waiter);
    client.waiter.expires_after(exchange.timeouts->queue);
    while (client.pinned().is_lent(exchange.service->service)) {
        place.wait_on();
        client.stream->want(client.waiter, Direction::none);
        const Wake why = co_await client.waiter.sleep();
        if (why != Wake::ready || client.stream->broken()) {
            exchange.fail({Reason::queue_timeout, Phase::queue});
            co_return false;
        }
    }
    co_return true;
}

bool count_retry(Exchange& exchange) {
    if (exchange.retries >= exchange.service->service.configured.retries) return false;
    ++exchange.retries;
    return true;
}

bool speaks_http2(const Exchange& exchange) {
    return exchange.choice.server()->configured().http2;
}

bool may_share(const Exchange& exchange) {
    return !exchange.pins_upstream() && !sends_proxy_header(exchange) && !speaks_http2(exchange);
}

// A stream on a connection that has room, for a server that speaks HTTP/2.
bool open_stream(Client& client, Exchange& exchange) {
    // What it takes is known of a connection of its own only.
    if (exchange.fresh_only || exchange.asks_websocket()) return false;
    auto stream = client.worker.http2_upstreams().open(*exchange.choice.server());
    if (!stream) return false;
    exchange.service->counters.upstream_reuses.add();
    exchange.begin_attempt(client, std::move(stream), true);
    return true;
}

// Waits for the settings of a server that was just connected to, if they decide.
Task<bool> takes_request(Client& client, Exchange& exchange, Stream& stream) {
    if (!exchange.asks_websocket()) co_return true;
    auto* message = MessageStream::of(stream);
    if (message == nullptr) co_return true;
    client.waiter.expires_after(exchange.timeouts->connect);
    while (message->extended_connect() == Extension::unknown) {
        message->head();  // there is none yet: readable means news
        stream.want(client.waiter, Direction::read);
        if (co_await client.waiter.sleep() != Wake::ready || stream.broken()) break;
    }
    co_return message->extended_connect() == Extension::taken;
}

// While a connection is being made, or when there are as many as may be. False: make one.
Task<bool> open_next_stream(Client& client, Exchange& exchange) {
    if (exchange.fresh_only || exchange.asks_websocket()) co_return false;
    WaitLine* line = client.worker.http2_upstreams().line(*exchange.choice.server());
    if (line == nullptr) co_return false;
    bool opened = false;
    bool called = false;
    {
        WaitLine::Place place(*line, client.waiter);
        client.waiter.expires_after(exchange.timeouts->connect);
        for (;;) {
            client.stream->want(client.waiter, Direction::none);
            const Wake why = co_await client.waiter.sleep();
            called = place.called();
            if (called) opened = open_stream(client, exchange);
            if (opened || why != Wake::ready || client.stream->broken()) break;
            if (exchange.choice.server()->halted() ||
                client.worker.http2_upstreams().line(*exchange.choice.server()) == nullptr)
                break;
            place.wait_on();
        }
    }
    if (called && !opened) line->call_next();  // what it was called for is another's
    co_return opened;
}

// A kept connection to the chosen server, when there is one that this request may use.
bool reuse_idle(Client& client, Exchange& exchange, bool from_line = false) {
    if (speaks_http2(exchange)) return open_stream(client, exchange);
    if (!may_share(exchange) || exchange.fresh_only) return false;
    auto& connections = client.worker.connections();
    const pool::RealServer& server = *exchange.choice.server();
    auto idle = connections.take(server, from_line);
    if (!idle) return false;
    exchange.use = connections.use(server);
    exchange.service->counters.upstream_reuses.add();
    exchange.begin_attempt(client, std::move(idle), true);
    return true;
}

// Whether one more connection to the chosen server would bring nothing: this worker has no time
// to spare, and those there are come back at once.
bool is_crowded(Client& client, const Exchange& exchange, bool from_line = false) {
    const Engine& engine = client.worker.engine();
    return may_share(exchange) && !exchange.fresh_only && engine.saturated() &&
           client.worker.connections().crowded(*exchange.choice.server(), engine.now(), from_line);
}

// Waits for a connection that another request gives back. False: make one, for none came in time
// or there is room for it.
Task<bool> reuse_next(Client& client, Exchange& exchange) {
    WaitLine* line = client.worker.connections().line(*exchange.choice.server());
    if (line == nullptr) co_return false;
    bool reused = false;
    bool called = false;
    {
        WaitLine::Place place(*line, client.waiter);
        client.waiter.expires_after(next_connection_limit);
        for (;;) {
            client.stream->want(client.waiter, Direction::none);
            const Wake why = co_await client.waiter.sleep();
            called = place.called();
            if (called) reused = reuse_idle(client, exchange, true);
            if (reused || why != Wake::ready || !is_crowded(client, exchange, true)) break;
            if (client.stream->broken() || exchange.choice.server()->halted()) break;
            place.wait_on();
        }
    }
    if (called && !reused) line->call_next();  // what it was called for is another's
    co_return reused;
}

// What a request runs over: the connection itself, or the first stream on it.
std::unique_ptr<Stream> first_stream(Client& client, const Exchange& exchange,
                                     std::unique_ptr<Stream> connected) {
    if (!speaks_http2(exchange)) return connected;
    return client.worker.http2_upstreams().add(
        *exchange.choice.server(), std::move(connected),
        exchange.service->service.configured.timeouts.keep_alive);
}

// One connection to the chosen server. False: failure() says why.
Task<bool> connect_once(Client& client, Exchange& exchange) {
    if (may_share(exchange))
        exchange.use = client.worker.connections().use(*exchange.choice.server());
    std::optional<Http2Upstreams::Making> making;
    if (speaks_http2(exchange))
        making.emplace(client.worker.http2_upstreams(), *exchange.choice.server());
    client.stream->want(client.waiter, Direction::none);
    auto connected = co_await connect_to_server(
        client, *exchange.service, *exchange.choice.server(), exchange.timeouts->connect);
    if (connected.stream)
        connected.stream = first_stream(client, exchange, std::move(connected.stream));
    if (!connected.stream) {
        exchange.fail({connected.reason, Phase::connect, std::nullopt, connected.error,
                       std::move(connected.text)});
        co_return false;
    }
    if (!co_await takes_request(client, exchange, *connected.stream)) {
        exchange.fail({Reason::upgrade_unsupported, Phase::connect});
        co_return false;
    }
    exchange.begin_attempt(client, std::move(connected.stream), false);
    co_return true;
}

}  // namespace

bool take_ready_upstream(Client& client, Exchange& exchange) {
    if (exchange.choice.server() == nullptr) {
        if (client.pinned().is_lent(exchange.service->service)) return false;
        if (take_pinned(client, exchange)) return true;
        // Others wait already.
        if (!exchange.service->service.queue->is_free() && exchange.choice.wanted() == nullptr)
            return false;
        const auto now = client.worker.engine().now();
        if (exchange.choice.take(now).server == nullptr) return false;
        exchange.phases.got_server = now;
    }
    return reuse_idle(client, exchange);
}

Task<bool> connect_upstream(Client& client, Exchange& exchange) {
    if (client.pinned().is_lent(exchange.service->service)) {
        if (!co_await await_loan(client, exchange)) co_return false;
        if (take_pinned(client, exchange)) co_return true;
    }
    for (;;) {
        if (exchange.choice.server() == nullptr) {
            const Reason reason = co_await wait_for_server(
                client, *exchange.service, exchange.choice, exchange.timeouts->queue);
            if (reason != Reason::none) {
                if (exchange.failure().reason == Reason::none || reason != Reason::no_server)
                    exchange.fail({reason, Phase::queue});
                co_return false;
            }
            exchange.phases.got_server = client.worker.engine().now();
            if (reuse_idle(client, exchange)) co_return true;
        }
        if (speaks_http2(exchange) && co_await open_next_stream(client, exchange)) co_return true;
        if (is_crowded(client, exchange) && co_await reuse_next(client, exchange)) co_return true;
        if (co_await connect_once(client, exchange)) co_return true;
        if (client.waiter.cancelled() || client.stream->broken()) co_return false;
        note_server_failure(exchange);
        if (!count_retry(exchange)) co_return false;
        exchange.use.end();
        exchange.choice.failed(client.worker);
    }
}

bool prepare_retry(Client& client, Exchange& exchange) {
    exchange.upstream.reset();
    exchange.use.end();
    // A kept connection may be closed at any time: that says nothing about the server.
    const bool serves = exchange.choice.server()->may_serve_known();
    if (exchange.reused && !exchange.fresh_only && serves) {
        exchange.fresh_only = true;
        return true;
    }
    if (exchange.retries >= exchange.service->service.configured.retries) return false;
    note_server_failure(exchange);
    ++exchange.retries;
    exchange.choice.failed(client.worker);
    return true;
}

void keep_upstream(Client& client, Exchange& exchange) {
    pool::RealServer* server = exchange.choice.server();
    if (exchange.pins_upstream() || sends_proxy_header(exchange)) {
        exchange.upstream->want_nothing();
        if (exchange.upstream->quiet())
            client.pinned().put({std::move(exchange.upstream), server, &exchange.service->service,
                                 client.generation(), exchange.pins_upstream()});
        return;
    }
    client.worker.connections().put(*server, std::move(exchange.upstream), std::move(exchange.use),
                                    client.worker.engine().now(),
                                    exchange.service->service.configured.timeouts.keep_alive);
}

void note_server_success(Exchange& exchange) {
    auto& server = *exchange.choice.server();
    server.note_success();
    const auto& phases = exchange.phases;
    if (phases.sent && phases.responded && *phases.responded >= *phases.sent)
        server.note_response(std::chrono::duration_cast<std::chrono::microseconds>(
            *phases.responded - *phases.sent));
}

void note_server_failure(Exchange& exchange) {
    const Reason reason = exchange.failure().reason;
    const char* text = failure_text(reason);
    if (text == nullptr || exchange.choice.server() == nullptr) return;
    if (connect_failure_text(reason) != nullptr)
        exchange.choice.server()->note_connect_failure(text);
    else
        exchange.choice.server()->note_answer_failure(text);
}

}  // namespace poise::proxy
