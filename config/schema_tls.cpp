// The tables of TLS: certificates, listeners that speak it, servers that are spoken to with it.
#include "config/bind.hpp"
#include "config/schema_parts.hpp"
#include "config/text_form.hpp"

#include <chrono>

namespace poise::config {

using namespace std::chrono_literals;
using bind::boolean;
using bind::duration;
using bind::text;
using bind::word;

Mapping certificate_mapping() {
    using T = Certificate;
    Key cert = text("cert", &T::cert, check_line,
                    "The chain, a PEM file: the server's own certificate first, then those of its "
                    "issuers. Relative paths start at the folder of this file.");
    cert.required = true;
    cert.default_values.clear();
    Key key = text("key", &T::key, check_line,
                   "The private key, a PEM file without password. Without it the key is in the "
                   "file of the certificate.");
    return {"certificate",
            "A certificate for the listeners with `tls`. The name that a client asks for (SNI) "
            "chooses it: an exact name before a wildcard, and for the same name ECDSA or RSA by "
            "what the client can verify. Clients that ask for no name or an unknown one get the "
            "first of the list.",
            {std::move(cert), std::move(key),
             boolean("ocsp_stapling", &T::ocsp_stapling,
                     "Asks the OCSP responder that the certificate names whether it is good, and "
                     "gives clients the answer. The issuer's certificate must be in the file.")},
            "cert"};
}

Mapping listen_tls_mapping() {
    using T = ListenTls;
    return {"listen_tls",
            "How a listener speaks TLS. `tls: true` is short for all defaults.",
            {boolean("enabled", &T::enabled, "Speak TLS here; `true` when any other key is given."),
             word("min_version", &T::min_version, tls_version_words,
                  "The oldest version that is accepted."),
             text("ciphers", &T::ciphers, check_line,
                  "OpenSSL's list of ciphers for TLS 1.2; without it those with forward secrecy "
                  "and authenticated encryption."),
             word("client_certificate", &T::client_certificate, client_certificate_words,
                  "Whether clients are asked for a certificate of `client_ca`. Servers learn of it "
                  "by `Client-Cert` (RFC 9440) and `X-SSL-Client-Verify`, `-Subject`, `-Issuer`, "
                  "`-Serial` and `-Fingerprint`; what clients send under these names is dropped."),
             text("client_ca", &T::client_ca, check_line,
                  "The authorities whose client certificates are accepted, a PEM file."),
             text("client_crl", &T::client_crl, check_line,
                  "Client certificates that were revoked, a PEM file of lists.")},
            "enabled"};
}

Mapping server_tls_mapping() {
    using T = ServerTls;
    return {"server_tls",
            "How servers with `tls: true` are spoken to.",
            {boolean("verify", &T::verify,
                     "The server's certificate must be valid, of a trusted authority and for its "
                     "name. `false` accepts any: whoever sits between can read and change all."),
             text("ca", &T::ca, check_line,
                  "The trusted authorities, a PEM file; without it those of the system."),
             text("name", &T::name, check_host,
                  "The name to ask for (SNI) and to find in the certificate. Without it each "
                  "server's own: its DNS name, or its address (which is not asked for)."),
             text("cert", &T::cert, check_line,
                  "The certificate shown to servers that ask for one, a PEM file."),
             text("key", &T::key, check_line,
                  "Its private key; without it the key is in the file of the certificate."),
             word("min_version", &T::min_version, tls_version_words,
                  "The oldest version that is accepted.")},
            ""};
}

Mapping hsts_mapping() {
    using T = Hsts;
    return {"hsts",
            "Strict-Transport-Security in responses over TLS: browsers use https only, for this "
            "time after each response. `hsts: 365d` is short for `hsts: {max_age: 365d}`.",
            {duration("max_age", &T::max_age, {0ms, 3650 * 24h}, "For how long; `0s` sends none."),
             boolean("include_subdomains", &T::include_subdomains, "Subdomains too."),
             boolean("preload", &T::preload, "The site may be put on the browsers' own lists.")},
            "max_age"};
}

}  // namespace poise::config
