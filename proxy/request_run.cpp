#include "proxy/request_run.hpp"

#include "base/engine.hpp"
#include "proxy/http1_upstream.hpp"
#include "proxy/session_report.hpp"
#include "proxy/tunnel.hpp"

#include <utility>

namespace poise::proxy {

namespace {

using Step = Exchange::Step;

bool goes_on(Step step) {
    return step == Step::waits || step == Step::again;
}

// The next step after a sleep that ended for the reason `why`.
Step step_on(Client& client, Exchange& exchange, Wake why) {
    if (why == Wake::ready && !exchange.service->ended) return exchange.step(client);
    if (why == Wake::timed_out)
        exchange.time_out();
    else
        exchange.fail({Reason::draining, Phase::response_body});
    return Step::failed;
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

}  // namespace

Task<After> serve_request(Client& client, Exchange& exchange) {
    client.asked = true;
    if (!exchange.route(client)) co_return co_await answer_failure(client, exchange);

    exchange.choice.begin(*exchange.service, exchange.effective_client(), client.dialled,
                          &exchange.request(), client.worker.engine().now());
    for (;;) {
        if (!take_ready_upstream(client, exchange) && !co_await connect_upstream(client, exchange))
            co_return co_await answer_failure(client, exchange);
        // Here and not in a coroutine of its own: its frame would be a tenth of a request's cost.
        Step step = exchange.step(client);
        while (goes_on(step)) {
            if (step == Step::again) client.waiter.wake();
            const Wake why = co_await client.waiter.sleep();
            step = step_on(client, exchange, why);
        }
        switch (step) {
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

}  // namespace poise::proxy
