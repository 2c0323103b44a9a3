#include "tls/openssl.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace poise::tls {

void FreeOpenssl::operator()(bio_st* object) const {
    BIO_free(object);
}
void FreeOpenssl::operator()(bio_method_st* object) const {
    BIO_meth_free(object);
}
void FreeOpenssl::operator()(evp_pkey_st* object) const {
    EVP_PKEY_free(object);
}
void FreeOpenssl::operator()(ossl_lib_ctx_st* object) const {
    OSSL_LIB_CTX_free(object);
}
void FreeOpenssl::operator()(ssl_st* object) const {
    SSL_free(object);
}
void FreeOpenssl::operator()(ssl_ctx_st* object) const {
    SSL_CTX_free(object);
}
void FreeOpenssl::operator()(x509_st* object) const {
    X509_free(object);
}
void FreeOpenssl::operator()(x509_store_st* object) const {
    X509_STORE_free(object);
}

std::string take_openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "unknown error";
    if (const char* reason = ERR_reason_error_string(code)) return reason;
    return "error " + std::to_string(code);
}

}  // namespace poise::tls
