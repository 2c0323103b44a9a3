#include "tls/context.hpp"

#include "tls/identity.hpp"
#include "tls/settings.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cassert>
#include <stdexcept>

namespace poise::tls {

namespace {

// What a peer may send before it is known: a chain of client certificates.
constexpr long handshake_message_bytes_max = 65'536;

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string(what) + ": " + take_openssl_error());
}

}  // namespace

Owned<ssl_ctx_st> make_context(const Library& library, bool server, config::TlsVersion min_version,
                               const std::string& ciphers) {
    ERR_clear_error();
    Owned<ssl_ctx_st> made(SSL_CTX_new_ex(library.context(), nullptr,
                                          server ? TLS_server_method() : TLS_client_method()));
    require(made != nullptr, "no TLS context");
    SSL_CTX* context = made.get();
    const bool only_13 = min_version == config::TlsVersion::tls13;
    require(SSL_CTX_set_min_proto_version(context, only_13 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1,
            "min_version");
    require(
        SSL_CTX_set_cipher_list(context, ciphers.empty() ? default_ciphers : ciphers.c_str()) == 1,
        "ciphers");
    require(SSL_CTX_set_ciphersuites(context, ciphers_13) == 1, "ciphers of TLS 1.3");
    require(SSL_CTX_set1_groups_list(context, groups) == 1, "groups");
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection holds no buffers; a write may be offered again from another place.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);  // one read of the socket for many records
    SSL_CTX_set_max_cert_list(context, handshake_message_bytes_max);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return made;
}

void trust(ssl_ctx_st* context, const Library& library, const std::string& ca_pem,
           const std::string& crl_pem) {
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    const auto authorities = parse_certificates(library.context(), ca_pem);
    require(!authorities.empty(), "no certificate of an authority");
    for (const auto& each : authorities)
        require(X509_STORE_add_cert(store, each.get()) == 1, "certificate of an authority");
    if (crl_pem.empty()) return;
    const Owned<bio_st> bio(BIO_new_mem_buf(crl_pem.data(), static_cast<int>(crl_pem.size())));
    int lists = 0;
    while (X509_CRL* each = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)) {
        const bool added = X509_STORE_add_crl(store, each) == 1;
        X509_CRL_free(each);
        require(added, "list of revoked certificates");
        ++lists;
    }
    require(lists > 0, "no list of revoked certificates");
    ERR_clear_error();
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

std::string protocol_list(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& each : protocols) {
        assert(!each.empty() && each.size() < 256);
        wire += static_cast<char>(each.size());
        wire += each;
    }
    return wire;
}

}  // namespace poise::tls
