// Who the client is by its certificate, as fields for the real servers.
#pragma once

#include <string>

struct ssl_st;

namespace poise::tls {

/// The field lines ("Name: value\r\n"...) that tell a server of the client's certificate: whether
/// there is one, and whose: Client-Cert (RFC 9440 section 2.2), X-SSL-Client-Verify (`NONE` or
/// `SUCCESS`), -Subject, -Issuer (RFC 4514), -Serial (hexadecimal), -Fingerprint (SHA-256).
std::string client_certificate_fields(ssl_st* session);

}  // namespace poise::tls
