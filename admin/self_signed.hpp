// The certificate of the administration, made by itself at the first start.
#pragma once

#include "admin/http_server.hpp"

#include <chrono>
#include <expected>
#include <string>

namespace poise::admin {

/// A fresh ECDSA P-256 key and a certificate for `name`, localhost and the loopback addresses,
/// signed with it. Throws std::runtime_error when OpenSSL cannot.
TlsIdentity make_self_signed(const std::string& name, std::chrono::system_clock::time_point now);

/// What is in `folder` (admin.crt, admin.key; PEM), made there with mode 0600 when it is missing
/// or has expired. Other files may be put in their place. The error is a sentence.
std::expected<TlsIdentity, std::string> load_or_make_identity(const std::string& folder,
                                                              const std::string& name);

/// "AB:CD:...": the SHA-256 fingerprint that a browser shows; empty for no certificate.
std::string fingerprint(const std::string& certificate_pem);

}  // namespace poise::admin
