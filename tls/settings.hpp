// What TLS contexts are made of: the configuration's words with the files that it names, read.
#pragma once

#include "config/model.hpp"
#include "tls/certificate.hpp"
#include "tls/problem.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace poise::tls {

/// Of a listener.
struct ServerSettings {
    config::TlsVersion min_version = config::TlsVersion::tls12;
    std::string ciphers;                 // for TLS 1.2, OpenSSL's list; empty: ours
    std::vector<std::string> protocols;  // ALPN, the preferred one first; empty: none
    config::ClientCertificate client_certificate = config::ClientCertificate::off;
    std::string client_ca_pem;
    std::string client_crl_pem;

    bool operator==(const ServerSettings&) const = default;
};

/// Towards the real servers of a service.
struct ClientSettings {
    config::TlsVersion min_version = config::TlsVersion::tls12;
    bool verify = true;
    std::string ca_pem;                              // empty: those that the system trusts
    std::shared_ptr<const Certificate> certificate;  // shown to servers that ask; null: none
    std::vector<std::string> protocols;              // ALPN; empty: none
};

/// Reads the files and tries the settings out. The problem says which file or key is wrong.
std::expected<ServerSettings, Problem> load_server_settings(const config::ListenTls& listen,
                                                            std::vector<std::string> protocols);
std::expected<ClientSettings, Problem> load_client_settings(const config::ServerTls& servers,
                                                            std::vector<std::string> protocols);

/// Names of groups and lists of ciphers as OpenSSL writes them. The first are for TLS 1.2: only
/// authenticated encryption with forward secrecy.
inline constexpr const char* default_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
inline constexpr const char* ciphers_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
inline constexpr const char* groups = "X25519:P-256:P-384";

}  // namespace poise::tls
