// tls: the server completes a handshake. Its certificate is not verified: this asks whether it
// is alive, not who it is.
#include "pool/conversation.hpp"
#include "pool/probe.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <utility>

namespace poise::pool {

namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
};

// A client's end whose bytes we carry ourselves, in and out.
struct TlsClient {
    std::unique_ptr<SSL_CTX, FreeContext> context;
    std::unique_ptr<SSL, FreeTls> tls;
    BIO* in = nullptr;   // owned by tls
    BIO* out = nullptr;  // owned by tls
};

TlsClient make_client(const config::HealthCheck& check, const ProbeTarget& target) {
    TlsClient client;
    client.context.reset(SSL_CTX_new(TLS_client_method()));
    if (!client.context) return client;
    SSL_CTX_set_verify(client.context.get(), SSL_VERIFY_NONE, nullptr);
    client.tls.reset(SSL_new(client.context.get()));
    client.in = BIO_new(BIO_s_mem());
    client.out = BIO_new(BIO_s_mem());
    if (!client.tls || client.in == nullptr || client.out == nullptr) return TlsClient{};
    SSL_set_bio(client.tls.get(), client.in, client.out);
    SSL_set_connect_state(client.tls.get());
    // RFC 6066, 3: a name, never an address.
    const auto& name = check.host.empty() ? target.host : check.host;
    if (!name.empty() && !parse_ip(name)) SSL_set_tlsext_host_name(client.tls.get(), name.c_str());
    return client;
}

std::string take_output(BIO* out) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string bytes(data, size > 0 ? static_cast<std::size_t>(size) : 0);
    (void)BIO_reset(out);
    return bytes;
}

std::string tls_failure() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return fmt::format("handshake failed: {}", reason != nullptr ? reason : "closed");
}

Task<std::string> shake_hands(Conversation& conversation, TlsClient& client) {
    std::size_t consumed = 0;
    for (;;) {
        ERR_clear_error();
        const int done = SSL_do_handshake(client.tls.get());
        const int error = SSL_get_error(client.tls.get(), done);
        auto reason = done != 1 && error != SSL_ERROR_WANT_READ ? tls_failure() : std::string();
        // Output first, also with a failure: the alert tells the server why.
        if (auto output = take_output(client.out); !output.empty()) {
            auto wrong = co_await conversation.send(std::move(output));
            if (!wrong.empty() && reason.empty()) co_return wrong;
        }
        if (done == 1 || !reason.empty()) co_return reason;
        if (conversation.ended()) co_return "closed during the handshake";
        if (auto wrong = co_await conversation.receive("the handshake"); !wrong.empty())
            co_return wrong;
        const auto& received = conversation.received();
        const auto fresh = received.size() - consumed;
        if (fresh > 0) BIO_write(client.in, received.data() + consumed, static_cast<int>(fresh));
        consumed = received.size();
    }
}

}  // namespace

Task<std::string> probe_tls(const config::HealthCheck& check, const ProbeTarget& target) {
    auto client = make_client(check, target);
    if (!client.tls) co_return "no memory for TLS";
    Conversation conversation(co_await this_executor(), check.timeout);
    if (auto wrong = co_await conversation.connect(target.server); !wrong.empty()) co_return wrong;
    auto wrong = co_await shake_hands(conversation, client);
    if (!wrong.empty()) co_return wrong;
    SSL_shutdown(client.tls.get());
    // Its close_notify, so that the server logs no broken connection; the verdict stands.
    co_await conversation.send(take_output(client.out));
    co_return "";
}

}  // namespace poise::pool
