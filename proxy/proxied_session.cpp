// Reads the PROXY header that a trusted proxy puts before a connection's own bytes.
#include "base/engine.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/proxy_header.hpp"
#include "proxy/session.hpp"
#include "proxy/session_report.hpp"

#include <utility>

namespace poise::proxy {

namespace {

// False: refused or gone; `failure` says why.
Task<bool> read_proxy_header(Client& client, Failure& failure) {
    const auto& configured = client.worker_service().service.configured;
    if (!is_trusted(configured.trusted_proxies, client.address)) {
        failure = {Reason::untrusted_proxy_header, Phase::proxy_header};
        co_return false;
    }
    client.waiter.expires_after(configured.timeouts.handshake);
    for (;;) {
        const auto header = parse_proxy_header(client.in.view());
        if (header.state == ProxyHeader::State::done) {
            client.in.consume(header.consumed);
            if (!header.local) {
                client.address = header.source;
                client.dialled = header.destination;
            }
            co_return true;
        }
        failure = {Reason::bad_proxy_header, Phase::proxy_header, header.offset};
        if (header.state == ProxyHeader::State::error) co_return false;
        const auto read = client.stream->try_read(client.in.space());
        client.in.commit(read.bytes);
        if (read.ok()) continue;
        failure.offset = client.in.view().size();
        if (read.state != Io::would_block) co_return false;
        client.in.release_if_empty();
        client.stream->want(client.waiter, Direction::read);
        const Wake why = co_await client.waiter.sleep();
        if (why != Wake::ready || client.worker.draining()) co_return false;
    }
}

}  // namespace

Task<void> run_proxied_session(std::unique_ptr<Client> owned) {
    Failure failure;
    if (!co_await read_proxy_header(*owned, failure)) {
        report_early_failure(*owned, failure);
        co_return;
    }
    if (owned->worker_service().service.configured.listen[owned->listen_index()].tls.enabled)
        co_await run_tls_session(std::move(owned));
    else if (owned->worker_service().service.configured.protocol == config::Protocol::http)
        co_await run_http1_session(std::move(owned));
    else
        co_await run_tcp_session(std::move(owned));
}

}  // namespace poise::proxy
