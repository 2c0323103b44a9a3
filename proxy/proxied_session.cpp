// Reads the PROXY header that a trusted proxy puts before a connection's own bytes.
#include "base/engine.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/proxy_header.hpp"
#include "proxy/session.hpp"
#include "proxy/session_report.hpp"

#include <utility>

namespace poise::proxy {

namespace {

// False: refused or gone; the incident is reported.
Task<bool> read_proxy_header(Worker& worker, Accepted& accepted, Waiter& waiter, Failure& failure) {
    const auto& configured = accepted.generation->services[accepted.service]->service.configured;
    if (!is_trusted(configured.trusted_proxies, accepted.client)) {
        failure = {Reason::untrusted_proxy_header, Phase::proxy_header};
        co_return false;
    }
    waiter.expires_after(configured.timeouts.handshake);
    for (;;) {
        const auto header = parse_proxy_header(accepted.received.view());
        if (header.state == ProxyHeader::State::done) {
            accepted.received.consume(header.consumed);
            if (!header.local) {
                accepted.client = header.source;
                accepted.dialled = header.destination;
            }
            co_return true;
        }
        failure = {Reason::bad_proxy_header, Phase::proxy_header, header.offset};
        if (header.state == ProxyHeader::State::error) co_return false;
        const auto read = accepted.stream->try_read(accepted.received.space());
        accepted.received.commit(read.bytes);
        if (read.ok()) continue;
        failure.offset = accepted.received.view().size();
        if (read.state != Io::would_block) co_return false;
        accepted.received.release_if_empty();
        accepted.stream->want(waiter, Direction::read);
        if (co_await waiter.sleep() != Wake::ready || worker.draining()) co_return false;
    }
}

}  // namespace

Task<void> run_proxied_session(Worker* worker, Accepted accepted) {
    bool good = false;
    Failure failure;
    {
        Waiter waiter(worker->engine());
        good = co_await read_proxy_header(*worker, accepted, waiter, failure);
        accepted.stream->want_nothing();
    }
    if (!good) {
        Client client(*worker, std::move(accepted));
        report_early_failure(client, failure);
        worker->end_session();
        co_return;
    }
    const auto& service = accepted.generation->services[accepted.service]->service;
    if (service.configured.protocol == config::Protocol::http)
        co_await run_http1_session(worker, std::move(accepted));
    else
        co_await run_tcp_session(worker, std::move(accepted));
}

}  // namespace poise::proxy
