#include "proxy/tcp_session.hpp"

#include "base/engine.hpp"
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
Task<std::unique_ptr<Stream>> reach_any(Client& client, Choice& choice, TcpReport& report) {
    WorkerService& service = client.worker_service();
    const auto& configured = service.service.configured;
    for (;;) {
        const Reason reason =
            co_await wait_for_server(client, service, choice, configured.timeouts.queue);
        if (reason != Reason::none) {
            if (report.failure.reason == Reason::none) report.failure = {reason, Phase::queue};
            co_return nullptr;
        }
        ++report.attempts;
        report.server_name = choice.server()->name();
        auto connected = co_await connect_to_server(client, service, *choice.server(),
                                                    configured.timeouts.connect);
        if (connected.stream) co_return std::move(connected.stream);
        report.failure = {connected.reason, Phase::connect, std::nullopt, connected.error,
                          std::move(connected.text)};
        if (client.waiter.cancelled()) co_return nullptr;
        if (const char* text = connect_failure_text(connected.reason))
            choice.server()->note_connect_failure(text);
        if (report.attempts > configured.retries) co_return nullptr;
        choice.failed(client.worker);
    }
}

}  // namespace

Task<void> run_tcp_session(std::unique_ptr<Client> owned) {
    Client& client = *owned;
    Worker& worker = client.worker;
    WorkerService& service = client.worker_service();
    TcpReport report;
    report.began = worker.engine().now();
    Choice choice;
    choice.begin(service, client.address, client.dialled, nullptr, report.began);
    auto server = co_await reach_any(client, choice, report);
    if (server) {
        report.failure = {};
        choice.server()->note_success();
        const auto result =
            co_await run_tunnel(client, service, *choice.server(), *server,
                                Buffer(worker.buffers()), service.service.configured.timeouts.idle);
        report.bytes_in = result.from_client;
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

}  // namespace poise::proxy
