#include "tls/certificate.hpp"

#include "tls/identity.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace poise::tls {

std::string_view word(KeyKind kind) {
    if (kind == KeyKind::rsa) return "rsa";
    return kind == KeyKind::ecdsa ? "ecdsa" : "other";
}

namespace {

constexpr std::size_t pem_bytes_max = 1 << 20;

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

std::unexpected<Problem> problem(std::string message, std::string hint = {}) {
    return std::unexpected(Problem{std::move(message), std::move(hint)});
}

// No bytes of a key may be left in memory that is given back.
void wipe(std::string& secret) {
    OPENSSL_cleanse(secret.data(), secret.size());
    secret.clear();
}

Owned<bio_st> reader_of(const std::string& pem) {
    return Owned<bio_st>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Never asks a terminal for a password; notes that one is needed.
int no_password(char*, int, int, void* needed) {
    *static_cast<bool*>(needed) = true;
    return -1;
}

std::string name_text(const X509_NAME* name) {
    const Owned<bio_st> out(BIO_new(BIO_s_mem()));
    if (!out) return {};
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    return text;
}

std::string text_of(const ASN1_STRING* string) {
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(string));
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), size};
}

// A name with a NUL inside would mean one host to us and another to a client.
bool usable_name(const std::string& name) {
    return !name.empty() && name.size() <= 253 &&
           name.find_first_of(std::string_view("\0 /", 3)) == std::string::npos;
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    auto* alternatives = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const bool any = alternatives != nullptr;
    for (int i = 0; any && i < sk_GENERAL_NAME_num(alternatives); ++i) {
        const GENERAL_NAME* each = sk_GENERAL_NAME_value(alternatives, i);
        if (each->type != GEN_DNS) continue;
        auto name = lower(text_of(each->d.dNSName));
        if (usable_name(name) && std::ranges::find(names, name) == names.end())
            names.push_back(std::move(name));
    }
    GENERAL_NAMES_free(alternatives);
    if (any) return names;
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return names;
    auto name = lower(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
    if (usable_name(name)) names.push_back(std::move(name));
    return names;
}

Certificate::Time time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string ocsp_url_of(X509* certificate) {
    STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
    std::string url;
    if (sk_OPENSSL_STRING_num(urls) > 0) url = sk_OPENSSL_STRING_value(urls, 0);
    X509_email_free(urls);
    return url;
}

// RFC 5280 section 4.2.2.1: where who lacks it gets the certificate of the issuer.
bool names_issuer(X509* certificate) {
    auto* access = static_cast<AUTHORITY_INFO_ACCESS*>(
        X509_get_ext_d2i(certificate, NID_info_access, nullptr, nullptr));
    bool found = false;
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); ++i)
        found = found ||
                OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access, i)->method) == NID_ad_ca_issuers;
    AUTHORITY_INFO_ACCESS_free(access);
    return found;
}

// RFC 7633: the feature status_request.
bool demands_stapling(X509* certificate) {
    constexpr long status_request = 5;
    auto* features =
        static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr));
    bool found = false;
    for (int i = 0; i < sk_ASN1_INTEGER_num(features); ++i)
        found = found || ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == status_request;
    TLS_FEATURE_free(features);
    return found;
}

std::expected<Owned<evp_pkey_st>, Problem> read_key(const std::string& pem,
                                                    const std::string& file) {
    bool needs_password = false;
    const auto bio = reader_of(pem);
    Owned<evp_pkey_st> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, &needs_password));
    if (key) return key;
    ERR_clear_error();
    if (needs_password) {
        return problem(fmt::format("the key in '{}' is encrypted", file),
                       fmt::format("write it without a password: openssl pkey -in {} -out "
                                   "plain.key, and keep the file readable by Poise alone",
                                   file));
    }
    if (pem.find("PRIVATE KEY-----") == std::string::npos)
        return problem(fmt::format("there is no private key in '{}'", file),
                       "expected PEM: -----BEGIN PRIVATE KEY-----");
    return problem(fmt::format("the private key in '{}' cannot be read", file),
                   fmt::format("`openssl pkey -in {} -check` tells more", file));
}

KeyKind kind_of(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) return KeyKind::rsa;
    return EVP_PKEY_is_a(key, "EC") ? KeyKind::ecdsa : KeyKind::other;
}

std::string day(Certificate::Time time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

}  // namespace

std::expected<std::string, Problem> read_pem_file(const std::string& path, std::string_view what) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
    if (!file)
        return problem(fmt::format("cannot read the {} '{}': {}", what, path, std::strerror(errno)),
                       errno == ENOENT ? "relative paths start at the folder of poise.yaml" : "");
    std::string text;  // as large as the file: it is kept for as long as the certificate is
    std::array<char, 16'384> piece{};
    while (const auto n = std::fread(piece.data(), 1, piece.size(), file.get())) {
        if (text.size() + n > pem_bytes_max)
            return problem(
                fmt::format("the {} '{}' is larger than {} KiB", what, path, pem_bytes_max >> 10));
        std::string longer;
        longer.reserve(text.size() + n);
        longer.append(text).append(piece.data(), n);
        wipe(text);
        text = std::move(longer);
    }
    OPENSSL_cleanse(piece.data(), piece.size());
    if (std::ferror(file.get()) != 0)
        return problem(
            fmt::format("cannot read the {} '{}': {}", what, path, std::strerror(errno)));
    return text;
}

Certificate::~Certificate() {
    wipe(key_pem_);
}

std::expected<std::shared_ptr<const Certificate>, Problem> Certificate::load(
    const std::string& cert_file, const std::string& key_file) {
    auto pem = read_pem_file(cert_file, "certificate");
    if (!pem) return std::unexpected(pem.error());
    auto key_pem = read_pem_file(key_file, "key");
    if (!key_pem) return std::unexpected(key_pem.error());
    std::shared_ptr<Certificate> made(new Certificate);
    made->cert_file_ = cert_file;
    made->chain_pem_ = std::move(*pem);
    made->key_pem_ = std::move(*key_pem);

    const auto chain = parse_certificates(nullptr, made->chain_pem_);
    if (chain.empty())
        return problem(fmt::format("there is no certificate in '{}'", cert_file),
                       "expected PEM: -----BEGIN CERTIFICATE-----");
    X509* own = chain.front().get();
    const auto key = read_key(made->key_pem_, key_file);
    if (!key) return std::unexpected(key.error());
    if (X509_check_private_key(own, key->get()) != 1) {
        ERR_clear_error();
        return problem(
            fmt::format("the key in '{}' does not belong to the certificate in '{}'", key_file,
                        cert_file),
            chain.size() > 1 ? "the server's own certificate must come first in its file" : "");
    }
    made->kind_ = kind_of(key->get());
    made->names_ = names_of(own);
    made->subject_ = name_text(X509_get_subject_name(own));
    made->issuer_ = name_text(X509_get_issuer_name(own));
    made->not_before_ = time_of(X509_get0_notBefore(own));
    made->not_after_ = time_of(X509_get0_notAfter(own));
    made->ocsp_url_ = ocsp_url_of(own);
    made->names_issuer_ = names_issuer(own);
    made->must_staple_ = demands_stapling(own);
    made->self_signed_ = X509_self_signed(own, 0) == 1;
    made->intermediates_ = chain.size() > 1;
    ERR_clear_error();
    return made;
}

std::vector<Problem> Certificate::warnings(Time now, bool stapling) const {
    std::vector<Problem> found;
    if (not_after_ <= now)
        found.push_back(
            {fmt::format("the certificate '{}' has expired on {}", cert_file_, day(not_after_)),
             "clients refuse it: renew it"});
    else if (not_after_ <= now + warned_before_end)
        found.push_back(
            {fmt::format("the certificate '{}' expires on {}", cert_file_, day(not_after_)),
             "renew it; Poise takes the new files by itself"});
    if (not_before_ > now)
        found.push_back({fmt::format("the certificate '{}' is not valid before {}", cert_file_,
                                     day(not_before_)),
                         "is this machine's clock right?"});
    if (!self_signed_ && !intermediates_ && names_issuer_)
        found.push_back(
            {fmt::format("the file '{}' has no certificate of the issuer, {}", cert_file_, issuer_),
             "unless that is a root, append its certificates behind the server's own: clients "
             "that do not know them refuse the connection"});
    if (must_staple_ && !stapling)
        found.push_back({fmt::format("the certificate '{}' demands OCSP stapling", cert_file_),
                         "set ocsp_stapling: true; some clients refuse it without"});
    if (names_.empty())
        found.push_back({fmt::format("the certificate '{}' names no host", cert_file_),
                         "it is given only to clients that ask for a name nobody has"});
    return found;
}

}  // namespace poise::tls
