// A certificate as one worker signs with it: OpenSSL's objects, made in that worker's library.
#pragma once

#include "tls/certificate.hpp"
#include "tls/library.hpp"
#include "tls/openssl.hpp"
#include "tls/staple.hpp"

#include <memory>
#include <string>
#include <vector>

namespace poise::tls {

/// Throws std::runtime_error when what Certificate::load accepted cannot be read again.
class Identity {
public:
    /// `staple` may be null: nothing is ever stapled.
    Identity(const Library& library, std::shared_ptr<const Certificate> certificate,
             std::shared_ptr<const StapleSlot> staple = nullptr);

    const Certificate& certificate() const { return *certificate_; }
    const StapleSlot* staple() const { return staple_.get(); }
    x509_st* own() const { return chain_.front().get(); }

    /// Makes it one of the identities of `context`: at most one of each kind of key.
    void use_in(ssl_ctx_st* context) const;

private:
    std::shared_ptr<const Certificate> certificate_;
    std::shared_ptr<const StapleSlot> staple_;
    std::vector<Owned<x509_st>> chain_;  // the own one first; never empty
    Owned<evp_pkey_st> key_;
};

/// All certificates of `pem`, in a worker's library; null: in that of all other threads.
std::vector<Owned<x509_st>> parse_certificates(ossl_lib_ctx_st* library, const std::string& pem);

}  // namespace poise::tls
