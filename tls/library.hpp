// What one worker's TLS connections share: OpenSSL's own context and the memory that records pass
// through.
#pragma once

#include "tls/openssl.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace poise::tls {

/// One a worker thread, and it outlives the worker's contexts and streams. OpenSSL 3.0 takes locks
/// in its library context at every handshake; with one each, workers do not meet there.
class Library {
public:
    /// Throws std::bad_alloc when OpenSSL has no memory.
    Library();
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    ossl_lib_ctx_st* context() const { return context_.get(); }
    /// Of the BIO between OpenSSL and a TlsStream.
    bio_method_st* stream_method() const { return stream_method_.get(); }
    /// The authorities that the system trusts: read at the first call, by one thread at a time.
    /// Throws std::runtime_error when they cannot be read.
    x509_store_st* system_trust() const;

    /// Where small pieces become one record: the worker's own, for the time of one call.
    std::span<char> plain() const { return {plain_.get(), plain_bytes}; }
    /// Where records wait for the one write to the socket, likewise.
    std::span<char> sealed() const { return {sealed_.get(), sealed_bytes}; }

    static constexpr std::size_t plain_bytes = 16'384;  // a record's most (RFC 8446 section 5.1)
    /// Records of a write of `burst_bytes` with their 5 bytes of header and at most 256 of
    /// padding, MAC and nonce each, and what OpenSSL itself may add.
    static constexpr std::size_t burst_bytes = 131'072;
    static constexpr std::size_t sealed_bytes = burst_bytes + 16'384;

private:
    Owned<ossl_lib_ctx_st> context_;
    Owned<bio_method_st> stream_method_;
    mutable Owned<x509_store_st> system_trust_;
    std::unique_ptr<char[]> plain_;
    std::unique_ptr<char[]> sealed_;
};

}  // namespace poise::tls
