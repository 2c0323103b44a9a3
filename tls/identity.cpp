#include "tls/identity.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <utility>

namespace poise::tls {

namespace {

Owned<bio_st> reader_of(const std::string& pem) {
    return Owned<bio_st>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

}  // namespace

std::vector<Owned<x509_st>> parse_certificates(ossl_lib_ctx_st* library, const std::string& pem) {
    std::vector<Owned<x509_st>> all;
    const auto bio = reader_of(pem);
    for (;;) {
        X509* each = X509_new_ex(library, nullptr);
        if (each == nullptr || PEM_read_bio_X509(bio.get(), &each, nullptr, nullptr) == nullptr) {
            X509_free(each);
            break;
        }
        all.emplace_back(each);
    }
    ERR_clear_error();  // the end of the text is one
    return all;
}

Identity::Identity(const Library& library, std::shared_ptr<const Certificate> certificate,
                   std::shared_ptr<const StapleSlot> staple)
    : certificate_(std::move(certificate)),
      staple_(std::move(staple)),
      chain_(parse_certificates(library.context(), certificate_->chain_pem())) {
    const auto bio = reader_of(certificate_->key_pem());
    key_.reset(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, nullptr, nullptr, library.context(),
                                          nullptr));
    if (chain_.empty() || !key_)
        throw std::runtime_error("cannot use the certificate '" + certificate_->file() +
                                 "': " + take_openssl_error());
}

void Identity::use_in(ssl_ctx_st* context) const {
    bool good = SSL_CTX_use_certificate(context, own()) == 1 &&
                SSL_CTX_use_PrivateKey(context, key_.get()) == 1 &&
                SSL_CTX_clear_chain_certs(context) == 1;
    for (std::size_t i = 1; good && i < chain_.size(); ++i)
        good = SSL_CTX_add1_chain_cert(context, chain_[i].get()) == 1;
    if (!good)
        throw std::runtime_error("cannot use the certificate '" + certificate_->file() +
                                 "': " + take_openssl_error());
}

}  // namespace poise::tls
