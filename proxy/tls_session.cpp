#include "proxy/tls_session.hpp"

#include "base/engine.hpp"
#include "proxy/error_answer.hpp"
#include "proxy/http1_session.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/session_report.hpp"
#include "proxy/tcp_session.hpp"
#include "tls/contexts.hpp"
#include "tls/peer.hpp"
#include "tls/stream.hpp"

#include <cassert>
#include <string>
#include <utility>

namespace poise::proxy {

namespace {

using tls::HandshakeFault;
using tls::TlsStream;

Reason reason_of(HandshakeFault fault) {
    switch (fault) {
        case HandshakeFault::plain_http:
            return Reason::plain_http_to_tls;
        case HandshakeFault::no_certificate:
            return Reason::client_certificate_missing;
        case HandshakeFault::bad_certificate:
            return Reason::client_certificate_refused;
        case HandshakeFault::closed:
            return Reason::client_closed;
        default:
            return Reason::tls_handshake_failed;
    }
}

// Takes the connection into TLS. What a PROXY header has left over is the handshake's start.
TlsStream& begin_tls(Client& client, const tls::ServerContext& context, tls::Library& library) {
    auto stream = std::make_unique<TlsStream>(*client.stream, context.make_session(), library,
                                              TlsStream::Side::server, client.in.view());
    client.in.consume(client.in.view().size());
    client.in.release();
    TlsStream& made = *stream;
    client.stream = std::move(stream);
    return made;
}

// False: `failure` says why.
Task<bool> shake_hands(Client& client, TlsStream& stream, Failure& failure) {
    client.waiter.expires_after(client.worker_service().service.configured.timeouts.handshake);
    for (;;) {
        const auto state = stream.handshake();
        if (state == TlsStream::Handshake::done) co_return true;
        if (state == TlsStream::Handshake::failed) {
            failure = {reason_of(stream.fault()), Phase::tls_handshake};
            failure.text = stream.error_text();
            co_return false;
        }
        const bool reads = state == TlsStream::Handshake::wants_read;
        stream.want(client.waiter, reads ? Direction::read : Direction::write);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::ready && !client.worker_service().ended) continue;
        failure = {why == Wake::timed_out ? Reason::tls_handshake_timeout : Reason::draining,
                   Phase::tls_handshake};
        co_return false;
    }
}

// A browser that came to the wrong port is told so.
Task<void> answer_plain_http(Client& client, TlsStream& stream) {
    AnswerContext context;
    context.now = std::chrono::system_clock::now();
    stream.send_plain(make_error_answer(Reason::plain_http_to_tls, context));
    co_await linger(client.waiter, *client.stream, client.worker.buffers());
}

}  // namespace

Task<void> run_tls_session(std::unique_ptr<Client> owned) {
    Client& client = *owned;
    const auto generation = client.generation();  // outlives the handshake
    const auto& contexts = generation->generation->tls[client.worker.index()];
    const auto* context =
        contexts->listener(client.worker_service().service.index, client.listen_index());
    assert(context != nullptr);
    TlsStream& stream = begin_tls(client, *context, contexts->library());
    Failure failure;
    if (!co_await shake_hands(client, stream, failure)) {
        // Who connects and says nothing, such as a check by TCP, has not failed.
        if (failure.reason != Reason::client_closed || stream.began())
            report_early_failure(client, failure);
        if (failure.reason == Reason::plain_http_to_tls) co_await answer_plain_http(client, stream);
        co_return;
    }
    client.tls = true;
    if (context->settings().client_certificate != config::ClientCertificate::off)
        client.set_certificate_fields(tls::client_certificate_fields(stream.session()));
    if (stream.application_protocol() == "h2")
        co_await run_http2_session(std::move(owned));
    else if (client.worker_service().service.configured.protocol == config::Protocol::http)
        co_await run_http1_session(std::move(owned));
    else
        co_await run_tcp_session(std::move(owned));
}

}  // namespace poise::proxy
