#include "tls/client_context.hpp"

#include "tls/context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cassert>
#include <new>
#include <stdexcept>
#include <utility>

namespace poise::tls {

namespace {

constexpr std::size_t tickets_max = 10'000;  // a server each; more are not remembered

}  // namespace

struct ClientCallbacks {
    // Keeps the ticket: 1 means that the session is ours now.
    static int on_new_session(SSL* session, SSL_SESSION* ticket) {
        auto& self = *static_cast<ClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
        const void* server = SSL_get_app_data(session);
        if (server == nullptr) return 0;
        if (self.tickets_.size() >= tickets_max && !self.tickets_.contains(server)) return 0;
        self.tickets_[server].reset(ticket);
        return 1;
    }
};

ServerName name_of(const config::ServerTls& settings, const config::Server& server) {
    ServerName name;
    if (!settings.name.empty())
        name.name = settings.name;
    else if (server.address)
        name.address = server.address;
    else
        name.name = server.host;
    return name;
}

void ClientContext::FreeSession::operator()(ssl_session_st* session) const {
    SSL_SESSION_free(session);
}

ClientContext::ClientContext(const Library& library, const ClientSettings& settings)
    : verify_(settings.verify),
      context_(make_context(library, false, settings.min_version, "DEFAULT:@SECLEVEL=1")) {
    SSL_CTX* context = context_.get();
    if (settings.certificate) {
        identity_.emplace(library, settings.certificate);
        identity_->use_in(context);
    }
    if (verify_ && settings.ca_pem.empty())
        SSL_CTX_set1_cert_store(context, library.system_trust());
    else if (verify_)
        trust(context, library, settings.ca_pem, "");
    SSL_CTX_set_verify(context, verify_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    const std::string protocols = protocol_list(settings.protocols);
    if (!protocols.empty() &&
        SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size())) != 0)
        throw std::runtime_error("ALPN: " + take_openssl_error());
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, ClientCallbacks::on_new_session);
}

ClientContext::~ClientContext() = default;

Owned<ssl_st> ClientContext::make_session(const ServerName& to) {
    Owned<ssl_st> made(SSL_new(context_.get()));
    if (!made) throw std::bad_alloc();
    SSL* session = made.get();
    SSL_set_app_data(session, const_cast<void*>(to.server));
    bool good = true;
    if (to.http2) {
        const std::string only = protocol_list({"h2"});
        good = SSL_set_alpn_protos(session, reinterpret_cast<const unsigned char*>(only.data()),
                                   static_cast<unsigned>(only.size())) == 0;
    }
    if (!to.name.empty()) {
        const std::string name(to.name);
        good = good && SSL_set_tlsext_host_name(session, name.c_str()) == 1;
        if (verify_) {
            SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            good = good && SSL_set1_host(session, name.c_str()) == 1;
        }
    } else if (verify_ && to.address) {
        const auto& ip = to.address->ip;
        const bool v4 = to.address->is_v4();
        const auto* bytes = reinterpret_cast<const unsigned char*>(ip.data()) + (v4 ? 12 : 0);
        good = good && X509_VERIFY_PARAM_set1_ip(SSL_get0_param(session), bytes, v4 ? 4 : 16) == 1;
    }
    if (!good) throw std::bad_alloc();
    if (const auto known = tickets_.find(to.server); known != tickets_.end())
        SSL_set_session(session, known->second.get());
    return made;
}

}  // namespace poise::tls
