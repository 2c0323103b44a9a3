#include "proxy/tcp_session.hpp"

#include "base/engine.hpp"
#include "proxy/first_packet.hpp"
#include "proxy/server_connect.hpp"
#include "proxy/server_queue.hpp"
#include "proxy/session_report.hpp"
#include "proxy/tunnel.hpp"
#include "proxy/upstream.hpp"

#include <string>
#include <utility>

namespace poise::proxy {

namespace {

// A connection to some server. Null: report.failure says why.
Task<std::unique_ptr<Stream>> reach_any(Client& client, const TcpRoute& route, Choice& choice,
                                        TcpReport& report) {
    for (;;) {
        const Reason reason =
            co_await wait_for_server(client, *route.service, choice, route.timeouts->queue);
        if (reason != Reason::none) {
            if (report.failure.reason == Reason::none) report.failure = {reason, Phase::queue};
            co_return nullptr;
        }
        ++report.attempts;
        report.server_name = choice.server()->name();
        auto connected = co_await connect_to_server(client, *route.service, *choice.server(),
                                                    route.timeouts->connect);
        if (connected.stream) co_return std::move(connected.stream);
        report.failure = {connected.reason, Phase::connect, std::nullopt, connected.error,
                          std::move(connected.text)};
        if (client.waiter.cancelled()) co_return nullptr;
        if (const char* text = connect_failure_text(connected.reason))
            choice.server()->note_connect_failure(text);
        if (report.attempts > route.service->service.configured.retries) co_return nullptr;
        choice.failed(client.worker);
    }
}

// From the choice of a server to the end of the connection.
Task<void> serve(Client& client, const TcpRoute& route, TcpReport& report) {
    Worker& worker = client.worker;
    Choice choice;
    const auto now = worker.engine().now();
    if (route.rdp)
        choice.begin(*route.service, client.address, client.dialled, *route.rdp, now);
    else
        choice.begin(*route.service, client.address, client.dialled, nullptr, now);
    auto server = co_await reach_any(client, route, choice, report);
    if (server) {
        report.failure = {};
        choice.server()->note_success();
        report.bytes_in = client.in.view().size();
        const auto result = co_await run_tunnel(client, *route.service, *choice.server(), *server,
                                                Buffer(worker.buffers()), route.timeouts->idle);
        report.bytes_in += result.from_client;
        report.bytes_out = result.from_server;
        if (result.reason != Reason::none) {
            report.failure = {result.reason, Phase::tunnel, std::nullopt, result.error};
            client.stream->reset_on_close();  // a cut is passed on as a cut
            server->reset_on_close();
        }
    }
    report_tcp_session(client, report);
    choice.release(worker);
}

}  // namespace

Task<void> run_tcp_session(std::unique_ptr<Client> owned) {
    Client& client = *owned;
    TcpReport report;
    report.began = client.worker.engine().now();
    const TcpRoute route = co_await route_connection(client);
    if (route.service != nullptr) {
        report.service = route.service;
        co_await serve(client, route, report);
    } else if (route.failure.reason != Reason::none) {
        report_early_failure(client, route.failure);
    }
}

}  // namespace poise::proxy
