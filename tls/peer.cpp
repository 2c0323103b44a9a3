#include "tls/peer.hpp"

#include "tls/openssl.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <span>
#include <vector>

namespace poise::tls {

namespace {

// A name may hold any character: what could end the field or hide in it is escaped (RFC 4514
// section 2.4), and what is not ASCII, too.
std::string name_text(const X509_NAME* name) {
    const Owned<bio_st> out(BIO_new(BIO_s_mem()));
    if (!out) return {};
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::string hex(std::span<const unsigned char> bytes) {
    std::string text;
    for (const unsigned char byte : bytes)
        text += fmt::format("{:02X}", byte);
    return text;
}

std::string serial_of(X509* certificate) {
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
    char* digits = number != nullptr ? BN_bn2hex(number) : nullptr;
    std::string text = digits != nullptr ? digits : "";
    OPENSSL_free(digits);
    BN_free(number);
    return text;
}

std::string base64(std::span<const unsigned char> bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                  static_cast<int>(bytes.size()));
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

std::vector<unsigned char> der_of(X509* certificate) {
    const int size = i2d_X509(certificate, nullptr);
    std::vector<unsigned char> der(size > 0 ? static_cast<std::size_t>(size) : 0);
    unsigned char* out = der.data();
    if (!der.empty()) i2d_X509(certificate, &out);
    return der;
}

}  // namespace

std::string client_certificate_fields(ssl_st* session) {
    X509* certificate = SSL_get0_peer_certificate(session);
    if (certificate == nullptr || SSL_get_verify_result(session) != X509_V_OK)
        return "X-SSL-Client-Verify: NONE\r\n";
    const auto der = der_of(certificate);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    X509_digest(certificate, EVP_sha256(), digest, &digest_bytes);
    return fmt::format(
        "X-SSL-Client-Verify: SUCCESS\r\n"
        "X-SSL-Client-Subject: {}\r\n"
        "X-SSL-Client-Issuer: {}\r\n"
        "X-SSL-Client-Serial: {}\r\n"
        "X-SSL-Client-Fingerprint: {}\r\n"
        "Client-Cert: :{}:\r\n",
        name_text(X509_get_subject_name(certificate)), name_text(X509_get_issuer_name(certificate)),
        serial_of(certificate), hex({digest, digest_bytes}), base64(der));
}

}  // namespace poise::tls
