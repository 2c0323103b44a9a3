#include "ha/psk_stream.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <unistd.h>

namespace poise::ha {

namespace {

// TLS_AES_128_GCM_SHA256: keys given from outside go with SHA-256 (RFC 8446 section 4.2.11).
constexpr std::array<unsigned char, 2> suite{0x13, 0x01};

void check(bool good) {
    if (!good) throw std::runtime_error("OpenSSL cannot speak TLS 1.3 with a shared key");
}

std::string identity_of(const ClusterKey& key) {
    return fmt::format("poise-{:08x}", key_id(key));
}

SSL_SESSION* session_for(SSL* ssl, const ClusterKey& key) {
    const auto secret = derive_key(key, {}, "poise replication 1");
    SSL_SESSION* session = SSL_SESSION_new();
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, suite.data());
    if (session != nullptr && cipher != nullptr &&
        SSL_SESSION_set1_master_key(session, secret.data(), secret.size()) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1)
        return session;
    SSL_SESSION_free(session);
    return nullptr;
}

const ClusterKeys& keys_of(SSL* ssl) {
    return *static_cast<const ClusterKeys*>(SSL_get_app_data(ssl));
}

int use_key(SSL* ssl, const EVP_MD*, const unsigned char** id, std::size_t* id_size,
            SSL_SESSION** session) {
    // OpenSSL copies the identity after this has returned.
    static thread_local std::string identity;
    const ClusterKey& key = keys_of(ssl).front();
    identity = identity_of(key);
    *session = session_for(ssl, key);
    *id = reinterpret_cast<const unsigned char*>(identity.data());
    *id_size = identity.size();
    return *session == nullptr ? 0 : 1;
}

int find_key(SSL* ssl, const unsigned char* id, std::size_t id_size, SSL_SESSION** session) {
    const std::string_view given(reinterpret_cast<const char*>(id), id_size);
    const auto& keys = keys_of(ssl);
    const auto key = std::ranges::find_if(
        keys, [&](const ClusterKey& each) { return identity_of(each) == given; });
    *session = key == keys.end() ? nullptr : session_for(ssl, *key);
    return 1;
}

}  // namespace

struct PskStream::Impl {
    ClusterKeys keys;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{nullptr, SSL_CTX_free};
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};
};

PskStream::PskStream(int fd, Side side, const ClusterKeys& keys)
    : fd_(fd), impl_(std::make_unique<Impl>()) {
    impl_->keys = keys;
    impl_->context.reset(
        SSL_CTX_new(side == Side::client ? TLS_client_method() : TLS_server_method()));
    SSL_CTX* context = impl_->context.get();
    check(context != nullptr);
    check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    check(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1);
    check(SSL_CTX_set_num_tickets(context, 0) == 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    if (side == Side::client) {
        SSL_CTX_set_psk_use_session_callback(context, use_key);
    } else {
        SSL_CTX_set_psk_find_session_callback(context, find_key);
    }
    impl_->ssl.reset(SSL_new(context));
    SSL* ssl = impl_->ssl.get();
    check(ssl != nullptr && SSL_set_fd(ssl, fd_) == 1);
    check(SSL_set_app_data(ssl, &impl_->keys) == 1);
    if (side == Side::client) {
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
}

PskStream::~PskStream() {
    // At most one write that does not wait: the other side learns that this is no fault.
    if (shaken_) SSL_shutdown(impl_->ssl.get());
    ERR_clear_error();
    impl_.reset();
    ::close(fd_);
}

PskStream::Step PskStream::step_of(int result) {
    const int error = errno;
    switch (SSL_get_error(impl_->ssl.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Step::wants_read;
        case SSL_ERROR_WANT_WRITE:
            return Step::wants_write;
        case SSL_ERROR_ZERO_RETURN:
            why_ = "the other node has closed it";
            in_order_ = true;
            break;
        case SSL_ERROR_SYSCALL:
            shaken_ = false;  // nothing more may be sent
            why_ = error == 0 ? "the other node is gone" : std::strerror(error);
            break;
        default: {
            shaken_ = false;
            const char* reason = ERR_reason_error_string(ERR_peek_last_error());
            why_ = reason == nullptr ? "TLS failed" : reason;
        }
    }
    ERR_clear_error();
    return Step::ended;
}

PskStream::Step PskStream::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(impl_->ssl.get());
    if (result != 1) {
        const Step step = step_of(result);
        if (step == Step::ended) why_ += ": do both nodes have the same cluster key?";
        return step;
    }
    // A handshake with a certificate would prove nothing.
    shaken_ = SSL_session_reused(impl_->ssl.get()) == 1;
    if (shaken_) return Step::done;
    why_ = "the other node did not use the cluster key";
    return Step::ended;
}

PskStream::Step PskStream::read(std::span<std::uint8_t> buffer, std::size_t& size) {
    ERR_clear_error();
    const int result = SSL_read_ex(impl_->ssl.get(), buffer.data(), buffer.size(), &size);
    return result == 1 ? Step::done : step_of(result);
}

PskStream::Step PskStream::write(std::span<const std::uint8_t> bytes, std::size_t& size) {
    ERR_clear_error();
    const int result = SSL_write_ex(impl_->ssl.get(), bytes.data(), bytes.size(), &size);
    return result == 1 ? Step::done : step_of(result);
}

}  // namespace poise::ha
