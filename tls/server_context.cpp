#include "tls/server_context.hpp"

#include "tls/context.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace poise::tls {

namespace {

constexpr std::size_t name_bytes_max = 255;

// The host_name of the server_name extension (RFC 6066 section 3); empty when it is not as it
// should be, about which OpenSSL's own reader complains.
std::string_view name_in(std::string_view extension) {
    const auto number = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<unsigned char>(extension[at])) << 8 |
               static_cast<unsigned char>(extension[at + 1]);
    };
    constexpr std::size_t before_name = 5;  // list length, type, name length
    if (extension.size() < before_name || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
    const auto length = number(3);
    if (before_name + length > extension.size()) return {};
    return extension.substr(before_name, length);
}

std::string_view text(const unsigned char* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// OpenSSL's callbacks; each finds its ServerContext by the SSL's first context.
struct Callbacks {
    static ServerContext& self_of(void* self) { return *static_cast<ServerContext*>(self); }

    static int on_client_hello(SSL* session, int*, void* self) {
        const unsigned char* data = nullptr;
        std::size_t size = 0;
        if (SSL_client_hello_get0_ext(session, TLSEXT_TYPE_server_name, &data, &size) == 1)
            SSL_set_SSL_CTX(session, self_of(self).find(name_in(text(data, size))));
        return SSL_CLIENT_HELLO_SUCCESS;
    }

    // Tells OpenSSL that the name was heeded: session and client are to know.
    static int on_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

    static int on_protocols(SSL*, const unsigned char** chosen, unsigned char* length,
                            const unsigned char* offered, unsigned offered_bytes, void* self) {
        const std::string& ours = self_of(self).protocols_;
        unsigned char* found = nullptr;
        const int what = SSL_select_next_proto(
            &found, length, reinterpret_cast<const unsigned char*>(ours.data()),
            static_cast<unsigned>(ours.size()), offered, offered_bytes);
        if (what != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
        *chosen = found;
        return SSL_TLSEXT_ERR_OK;
    }

    // The client has asked for the certificate's state (RFC 6066 section 8).
    static int on_status(SSL* session, void* self) {
        const auto& staples = self_of(self).staples_;
        const auto slot = staples.find(SSL_get_certificate(session));
        if (slot == staples.end()) return SSL_TLSEXT_ERR_NOACK;
        const auto staple = slot->second->get(std::chrono::system_clock::now());
        if (!staple) return SSL_TLSEXT_ERR_NOACK;
        void* copy = OPENSSL_memdup(staple->der.data(), staple->der.size());  // the session's
        if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
        SSL_set_tlsext_status_ocsp_resp(session, copy, static_cast<long>(staple->der.size()));
        return SSL_TLSEXT_ERR_OK;
    }

    static int on_ticket(SSL* session, unsigned char* name, unsigned char* iv,
                         EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
        const SSL_CTX* context = SSL_get_SSL_CTX(session);
        const auto& self = self_of(SSL_CTX_get_app_data(context));
        const auto keys = self.tickets_->get();
        auto key = keys->begin();
        if (sealing != 0) {
            if (RAND_bytes_ex(self.library_.context(), iv, EVP_MAX_IV_LENGTH, 0) != 1) return -1;
            std::ranges::copy(key->name, name);
        } else {
            key = std::ranges::find_if(*keys, [&](const TicketKey& each) {
                return std::equal(each.name.begin(), each.name.end(), name);
            });
            if (key == keys->end()) return 0;  // too old: a full handshake
        }
        if (!use(*key, iv, cipher, mac, sealing, self.library_)) return -1;
        return key == keys->begin() ? 1 : 2;  // 2: good, and the client gets a newer ticket
    }

    static bool use(const TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, int sealing, const Library& library) {
        EVP_CIPHER* aes = EVP_CIPHER_fetch(library.context(), "AES-256-CBC", nullptr);
        const bool good =
            EVP_CipherInit_ex(cipher, aes, nullptr, key.cipher.data(), iv, sealing) == 1;
        EVP_CIPHER_free(aes);
        std::array<char, 7> digest{"SHA256"};
        auto secret = key.mac;
        std::array<OSSL_PARAM, 3> parameters{
            OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
            OSSL_PARAM_construct_end()};
        return good && EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
    }
};

void ServerContext::Choice::add(const std::vector<Identity>& identities, int index) {
    const auto kind = identities[static_cast<std::size_t>(index)].certificate().kind();
    int& place = by_kind[static_cast<std::size_t>(kind)];
    if (place < 0) place = index;  // the first one of the configuration
}

void ServerContext::Choice::complete(const Choice& other) {
    for (std::size_t i = 0; i < std::size(by_kind); ++i)
        if (by_kind[i] < 0) by_kind[i] = other.by_kind[i];
}

ServerContext::ServerContext(const Library& library, const std::vector<Identity>& identities,
                             ServerSettings settings, std::shared_ptr<const TicketKeys> tickets)
    : library_(library),
      identities_(identities),
      settings_(std::move(settings)),
      protocols_(protocol_list(settings_.protocols)),
      tickets_(std::move(tickets)) {
    assert(!identities_.empty());
    for (const Identity& each : identities_)
        if (each.staple() != nullptr) staples_.emplace(each.own(), each.staple());
    std::map<std::string, Choice> choices;
    for (std::size_t i = 0; i < identities_.size(); ++i)
        for (const std::string& name : identities_[i].certificate().names())
            choices[name].add(identities_, static_cast<int>(i));
    for (auto& [name, choice] : choices) {
        if (name.starts_with("*.")) {
            wildcards_.emplace(name.substr(2), context_for(choice));
            continue;
        }
        // A kind of key that only the wildcard has serves the name, too.
        const auto dot = name.find('.');
        const auto wild =
            dot == std::string::npos ? choices.end() : choices.find("*" + name.substr(dot));
        if (wild != choices.end()) choice.complete(wild->second);
        exact_.emplace(name, context_for(choice));
    }
    const auto& first_names = identities_.front().certificate().names();
    if (first_names.empty()) {
        Choice alone;
        alone.add(identities_, 0);
        fallback_ = context_for(alone);
    } else {
        fallback_ = context_for(choices[first_names.front()]);
    }
}

ServerContext::~ServerContext() = default;

ssl_ctx_st* ServerContext::context_for(const Choice& choice) {
    auto& context = contexts_[choice];
    if (!context) context = make(choice);
    return context.get();
}

Owned<ssl_ctx_st> ServerContext::make(const Choice& choice) const {
    auto made = make_context(library_, true, settings_.min_version, settings_.ciphers);
    SSL_CTX* context = made.get();
    for (const int index : choice.by_kind)
        if (index >= 0) identities_[static_cast<std::size_t>(index)].use_in(context);
    auto* self = const_cast<ServerContext*>(this);
    SSL_CTX_set_app_data(context, self);
    SSL_CTX_set_client_hello_cb(context, Callbacks::on_client_hello, self);
    SSL_CTX_set_tlsext_servername_callback(context, Callbacks::on_server_name);
    if (!protocols_.empty()) SSL_CTX_set_alpn_select_cb(context, Callbacks::on_protocols, self);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, Callbacks::on_ticket);
    SSL_CTX_set_tlsext_status_cb(context, Callbacks::on_status);
    SSL_CTX_set_tlsext_status_arg(context, self);
    const bool asks = settings_.client_certificate != config::ClientCertificate::off;
    if (asks) {
        trust(context, library_, settings_.client_ca_pem, settings_.client_crl_pem);
        for (const auto& each : parse_certificates(library_.context(), settings_.client_ca_pem))
            SSL_CTX_add_client_CA(context, each.get());
        const bool required = settings_.client_certificate == config::ClientCertificate::required;
        SSL_CTX_set_verify(
            context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    }
    // A session may be resumed only where the same was asked of the client.
    std::string asked = asks ? "asks" : "asks not";
    asked += settings_.client_ca_pem + '\0' + settings_.client_crl_pem;
    asked += static_cast<char>('0' + static_cast<int>(settings_.client_certificate));
    std::array<unsigned char, SHA256_DIGEST_LENGTH> id{};
    SHA256(reinterpret_cast<const unsigned char*>(asked.data()), asked.size(), id.data());
    SSL_CTX_set_session_id_context(context, id.data(), id.size());
    return made;
}

Owned<ssl_st> ServerContext::make_session() const {
    SSL* session = SSL_new(fallback_);
    if (session == nullptr) throw std::bad_alloc();
    return Owned<ssl_st>(session);
}

ssl_ctx_st* ServerContext::find(std::string_view name) const {
    std::array<char, name_bytes_max> lower{};
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.size() > lower.size()) return fallback_;
    std::ranges::transform(name, lower.begin(), [](char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    const std::string_view key(lower.data(), name.size());
    if (const auto found = exact_.find(key); found != exact_.end()) return found->second;
    const auto dot = key.find('.');
    if (dot == 0 || dot == std::string_view::npos) return fallback_;
    const auto wild = wildcards_.find(key.substr(dot + 1));
    return wild != wildcards_.end() ? wild->second : fallback_;
}

}  // namespace poise::tls
