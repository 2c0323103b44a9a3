#include "pool/tls_client.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cassert>
#include <new>
#include <utility>

namespace poise::pool {

TlsClient::TlsClient(tls::Owned<ssl_st> session)
    : session_(std::move(session)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
    assert(session_ != nullptr);
    if (in_ == nullptr || out_ == nullptr) {
        BIO_free(in_);
        BIO_free(out_);
        throw std::bad_alloc();
    }
    SSL_set_bio(session_.get(), in_, out_);
    SSL_set_connect_state(session_.get());
}

TlsClient::Step TlsClient::failed(int returned, std::string_view doing) {
    switch (SSL_get_error(session_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return Step::wants_more;
        case SSL_ERROR_ZERO_RETURN:
            return Step::ended;
        default:
            break;
    }
    const bool certificate =
        ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    const std::string reason = tls::take_openssl_error();
    error_ = certificate
                 ? fmt::format("certificate refused: {}",
                               X509_verify_cert_error_string(SSL_get_verify_result(session_.get())))
                 : fmt::format("{} failed: {}", doing, reason);
    return Step::failed;
}

TlsClient::Step TlsClient::handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    return done == 1 ? Step::done : failed(done, "handshake");
}

TlsClient::Step TlsClient::read(std::string& text) {
    ERR_clear_error();
    std::array<char, 4096> buffer;
    const int n = SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (n <= 0) return failed(n, "TLS");
    text.append(buffer.data(), static_cast<std::size_t>(n));
    return Step::done;
}

bool TlsClient::write(std::string_view text) {
    ERR_clear_error();
    if (text.empty()) return true;  // OpenSSL takes an empty write for an error
    const int n = SSL_write(session_.get(), text.data(), static_cast<int>(text.size()));
    return n > 0 || failed(n, "TLS") != Step::failed;
}

void TlsClient::close() {
    ERR_clear_error();
    SSL_shutdown(session_.get());
    ERR_clear_error();
}

void TlsClient::input(std::string_view sealed) {
    if (!sealed.empty()) BIO_write(in_, sealed.data(), static_cast<int>(sealed.size()));
}

std::string TlsClient::output() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    std::string bytes(data, size > 0 ? static_cast<std::size_t>(size) : 0);
    (void)BIO_reset(out_);
    return bytes;
}

}  // namespace poise::pool
