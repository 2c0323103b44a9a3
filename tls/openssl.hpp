// OpenSSL's objects as values that free themselves. For the sources of this folder alone.
#pragma once

#include <memory>
#include <string>

// OpenSSL's own names, so that headers need not include it.
struct bio_st;
struct bio_method_st;
struct evp_pkey_st;
struct ossl_lib_ctx_st;
struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct x509_store_st;

namespace poise::tls {

/// One deleter for all of them.
struct FreeOpenssl {
    void operator()(bio_st* object) const;
    void operator()(bio_method_st* object) const;
    void operator()(evp_pkey_st* object) const;
    void operator()(ossl_lib_ctx_st* object) const;
    void operator()(ssl_st* object) const;
    void operator()(ssl_ctx_st* object) const;
    void operator()(x509_st* object) const;
    void operator()(x509_store_st* object) const;
};

template <typename Object>
using Owned = std::unique_ptr<Object, FreeOpenssl>;

/// The oldest error that OpenSSL has noted on this thread, in words ("no shared cipher"); clears
/// them all. "unknown error" when there is none.
std::string take_openssl_error();

}  // namespace poise::tls
