#include "proxy/server_connect.hpp"

#include "base/engine.hpp"
#include "proxy/io.hpp"
#include "proxy/proxy_header.hpp"
#include "tls/contexts.hpp"
#include "tls/stream.hpp"

#include <cassert>
#include <cerrno>
#include <utility>

namespace poise::proxy {

namespace {

using tls::HandshakeFault;
using tls::TlsStream;

ServerConnection failed(Reason reason, int error = 0, std::string text = {}) {
    return {nullptr, reason, error, std::move(text)};
}

ServerConnection failed_handshake(const TlsStream& stream) {
    const bool certificate = stream.fault() == HandshakeFault::bad_certificate;
    return failed(certificate ? Reason::server_certificate_refused : Reason::server_tls_failed, 0,
                  std::string(stream.error_text()));
}

Task<ServerConnection> secure(Client& client, const WorkerService& service,
                              const pool::RealServer& server, std::unique_ptr<Stream> transport,
                              std::chrono::milliseconds limit) {
    const auto generation = client.generation();  // its contexts outlive the handshake
    const auto& contexts = generation->generation->tls[client.worker.index()];
    auto* context = contexts->servers(service.service.index);
    assert(context != nullptr);
    auto name = tls::name_of(service.service.configured.server_tls, server.configured());
    name.server = &server;
    name.http2 = server.configured().http2;
    auto stream = std::make_unique<TlsStream>(*transport, context->make_session(name),
                                              contexts->library(), TlsStream::Side::client);
    transport.reset();
    client.waiter.expires_after(limit);
    for (;;) {
        const auto state = stream->handshake();
        if (state == TlsStream::Handshake::done) break;
        if (state == TlsStream::Handshake::failed) co_return failed_handshake(*stream);
        const bool reads = state == TlsStream::Handshake::wants_read;
        stream->want(client.waiter, reads ? Direction::read : Direction::write);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::ready) continue;
        const bool late = why == Wake::timed_out;
        co_return failed(Reason::server_tls_failed, late ? ETIMEDOUT : ECANCELED);
    }
    if (name.http2 && stream->application_protocol() != "h2")
        co_return failed(Reason::server_tls_failed, 0,
                         "the server does not agree to HTTP/2 (ALPN)");
    co_return ServerConnection{std::move(stream), Reason::none, 0, {}};
}

}  // namespace

Task<ServerConnection> connect_to_server(Client& client, const WorkerService& service,
                                         const pool::RealServer& server,
                                         std::chrono::milliseconds limit) {
    const auto address = server.address();
    if (!address) co_return failed(Reason::unresolved);
    service.counters.upstream_connects.add();
    auto connected = co_await connect_within(client.waiter, *address, limit);
    if (!connected.stream) {
        const bool late = connected.error == ETIMEDOUT;
        co_return failed(late ? Reason::connect_timeout : Reason::connect_failed, connected.error);
    }
    const auto send_proxy = service.service.configured.send_proxy;
    if (send_proxy != config::ProxyProtocol::off) {
        std::string header;
        append_proxy_header(header, send_proxy, client.address, client.dialled);
        if (!co_await send_all(client.waiter, *connected.stream, header, limit))
            co_return failed(Reason::connect_failed, EPIPE);
    }
    if (server.configured().tls)
        co_return co_await secure(client, service, server, std::move(connected.stream), limit);
    co_return ServerConnection{std::move(connected.stream), Reason::none, 0, {}};
}

const char* connect_failure_text(Reason reason) {
    switch (reason) {
        case Reason::connect_failed:
            return "connect failed";
        case Reason::connect_timeout:
            return "connect timed out";
        case Reason::server_tls_failed:
            return "TLS handshake failed";
        case Reason::server_certificate_refused:
            return "certificate refused";
        default:
            return nullptr;
    }
}

}  // namespace poise::proxy
