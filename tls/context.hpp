// What server and client contexts have in common. For the sources of this folder alone.
#pragma once

#include "config/model.hpp"
#include "tls/library.hpp"
#include "tls/openssl.hpp"

#include <string>
#include <vector>

namespace poise::tls {

/// A context with our versions, ciphers, groups and modes. Throws std::runtime_error.
Owned<ssl_ctx_st> make_context(const Library& library, bool server, config::TlsVersion min_version,
                               const std::string& ciphers);

/// Trusts the certificates of `ca_pem` and heeds the revocations of `crl_pem` (may be empty).
/// Throws std::runtime_error.
void trust(ssl_ctx_st* context, const Library& library, const std::string& ca_pem,
           const std::string& crl_pem);

/// "h2", "http/1.1" as the wire has it (RFC 7301 section 3.1).
std::string protocol_list(const std::vector<std::string>& protocols);

}  // namespace poise::tls
