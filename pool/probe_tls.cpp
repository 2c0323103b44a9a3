// tls: the server completes a handshake. Its certificate is not verified: this asks whether it
// is alive, not who it is.
#include "pool/conversation.hpp"
#include "pool/probe.hpp"

#include <openssl/ssl.h>

#include <utility>

namespace poise::pool {

namespace {

tls::Owned<ssl_st> make_session(const config::HealthCheck& check, const ProbeTarget& target) {
    const tls::Owned<ssl_ctx_st> context(SSL_CTX_new(TLS_client_method()));
    if (!context) return nullptr;
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    tls::Owned<ssl_st> session(SSL_new(context.get()));
    // RFC 6066, 3: a name, never an address.
    const auto& name = check.host.empty() ? target.host : check.host;
    if (session && !name.empty() && !parse_ip(name))
        SSL_set_tlsext_host_name(session.get(), name.c_str());
    return session;
}

}  // namespace

Task<std::string> probe_tls(const config::HealthCheck& check, const ProbeTarget& target) {
    auto session = make_session(check, target);
    if (!session) co_return "no memory for TLS";
    Conversation conversation(co_await this_executor(), check.timeout);
    if (auto wrong = co_await conversation.connect(target.server); !wrong.empty()) co_return wrong;
    auto wrong = co_await conversation.start_tls(std::move(session));
    if (wrong.empty()) co_await conversation.end_tls();
    co_return wrong;
}

}  // namespace poise::pool
