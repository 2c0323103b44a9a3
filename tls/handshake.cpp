// A TlsStream's handshake: its steps, why it failed, and what was agreed on.
#include "tls/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>

namespace poise::tls {

TlsStream::Handshake TlsStream::handshake() {
    assert(fault_ == HandshakeFault::none);
    if (has_pending() && !flush())
        return socket_error_ != 0 ? failed_handshake(SSL_ERROR_SYSCALL) : Handshake::wants_write;
    ERR_clear_error();
    drained_ = false;
    const int done = SSL_do_handshake(session_.get());
    const int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(session_.get(), done);
    if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ) return failed_handshake(error);
    const bool flushed = flush();
    if (socket_error_ != 0) return failed_handshake(SSL_ERROR_SYSCALL);
    if (!flushed) return Handshake::wants_write;
    if (done == 1) return Handshake::done;
    not_readable();
    return Handshake::wants_read;
}

namespace {

bool looks_like_http(std::string_view first) {
    const auto space = first.find(' ');
    const auto method = first.substr(0, space);
    return method.size() >= 3 && std::ranges::all_of(method, [](char c) {
               return (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
           });
}

HandshakeFault fault_of(int reason) {
    switch (reason) {
        case SSL_R_HTTP_REQUEST:
            return HandshakeFault::plain_http;
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_UNEXPECTED_MESSAGE:
        case SSL_R_BAD_RECORD_TYPE:
        case SSL_R_INVALID_SESSION_ID:
        case SSL_R_LENGTH_MISMATCH:
        case SSL_R_UNKNOWN_PROTOCOL:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
            return HandshakeFault::not_tls;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SHARED_GROUPS:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        case SSL_R_NO_APPLICATION_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
            return HandshakeFault::nothing_shared;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return HandshakeFault::no_certificate;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return HandshakeFault::bad_certificate;
        default:
            // Alerts of the peer stand from here on (1000 + the alert's number).
            return reason >= SSL_AD_REASON_OFFSET ? HandshakeFault::refused_by_peer
                                                  : HandshakeFault::other;
    }
}

}  // namespace

TlsStream::Handshake TlsStream::failed_handshake(int error) {
    // What the verification has stumbled over, such as a wrong signature, stands before its
    // verdict.
    const bool verdict = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    const int reason = verdict ? SSL_R_CERTIFICATE_VERIFY_FAILED : ERR_GET_REASON(ERR_peek_error());
    const bool began_as_http = looks_like_http({first_.data(), first_bytes_});
    shut_ = true;
    if (error == SSL_ERROR_SYSCALL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        fault_ = HandshakeFault::closed;
        set_error_text(socket_error_ != 0 ? std::strerror(socket_error_) : "the peer closed");
        ERR_clear_error();
    } else {
        fault_ = began_as_http ? HandshakeFault::plain_http : fault_of(reason);
        set_error_text(take_openssl_error());
        if (fault_ == HandshakeFault::bad_certificate) {
            set_error_text(X509_verify_cert_error_string(SSL_get_verify_result(session_.get())));
        }
    }
    // The alert tells the peer why; one that speaks no TLS would take it for garbage.
    if (fault_ == HandshakeFault::plain_http) sealed_ = 0;
    flush();
    if (fault_ == HandshakeFault::none) fault_ = HandshakeFault::other;
    return Handshake::failed;
}

std::string_view TlsStream::application_protocol() const {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(session_.get(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
}

std::string_view TlsStream::version() const {
    return SSL_get_version(session_.get());
}

std::string_view TlsStream::cipher() const {
    return SSL_get_cipher_name(session_.get());
}

bool TlsStream::resumed() const {
    return SSL_session_reused(session_.get()) == 1;
}

std::string_view TlsStream::server_name() const {
    const char* name = SSL_get_servername(session_.get(), TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : std::string_view();
}

}  // namespace poise::tls
