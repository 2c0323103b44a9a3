#include "admin/self_signed.hpp"

#include "admin/file.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace poise::admin {

namespace {

constexpr long life_s = 3650L * 24 * 3600;  // browsers ask once; nobody renews it by itself
constexpr std::size_t pem_bytes_max = 1 << 16;

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* value) const {
        Free(value);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

void need(bool done, const char* what) {
    if (!done) throw std::runtime_error(fmt::format("OpenSSL cannot {}", what));
}

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(length)};
}

void add_extension(X509* certificate, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    need(extension != nullptr, "make a certificate's extension");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

void set_serial(X509* certificate) {
    std::array<unsigned char, 16> random{};
    need(RAND_bytes(random.data(), random.size()) == 1, "give random bytes");
    random[0] &= 0x7f;  // positive
    BIGNUM* number = BN_bin2bn(random.data(), random.size(), nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
}

Certificate read_certificate(const std::string& pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool has_expired(const std::string& pem) {
    const Certificate certificate = read_certificate(pem);
    return !certificate || X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0;
}

}  // namespace

TlsIdentity make_self_signed(const std::string& name, std::chrono::system_clock::time_point now) {
    const Key key(EVP_EC_gen("P-256"));
    need(key != nullptr, "make a key");
    const Certificate certificate(X509_new());
    X509* const made = certificate.get();
    X509_set_version(made, X509_VERSION_3);
    set_serial(made);
    const std::time_t start = std::chrono::system_clock::to_time_t(now) - 3600;
    ASN1_TIME_set(X509_getm_notBefore(made), start);
    ASN1_TIME_set(X509_getm_notAfter(made), start + life_s);
    X509_set_pubkey(made, key.get());
    X509_NAME* const subject = X509_get_subject_name(made);
    const std::string common = name.substr(0, 64);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("Poise, made by this node"),
                               -1, -1, 0);
    X509_set_issuer_name(made, subject);
    add_extension(made, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(made, NID_key_usage, "critical,digitalSignature");
    add_extension(made, NID_ext_key_usage, "serverAuth");
    add_extension(made, NID_subject_alt_name,
                  fmt::format("DNS:{},DNS:localhost,IP:127.0.0.1,IP:::1", name));
    need(X509_sign(made, key.get(), EVP_sha256()) > 0, "sign a certificate");

    const Bio chain(BIO_new(BIO_s_mem()));
    const Bio secret(BIO_new(BIO_s_mem()));
    need(PEM_write_bio_X509(chain.get(), made) == 1, "write a certificate");
    need(PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
             1,
         "write a key");
    return {text_of(chain.get()), text_of(secret.get())};
}

std::expected<TlsIdentity, std::string> load_or_make_identity(const std::string& folder,
                                                              const std::string& name) {
    const std::string cert_path = folder + "/admin.crt";
    const std::string key_path = folder + "/admin.key";
    auto chain = read_whole(cert_path, pem_bytes_max);
    auto key = read_whole(key_path, pem_bytes_max);
    if (chain && key && !has_expired(*chain)) return TlsIdentity{*chain, *key};
    TlsIdentity made = make_self_signed(name, std::chrono::system_clock::now());
    if (auto kept = write_whole(key_path, made.key_pem); !kept)
        return std::unexpected(kept.error());
    if (auto kept = write_whole(cert_path, made.chain_pem); !kept)
        return std::unexpected(kept.error());
    return made;
}

std::string fingerprint(const std::string& certificate_pem) {
    const Certificate certificate = read_certificate(certificate_pem);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (!certificate || X509_digest(certificate.get(), EVP_sha256(), digest.data(), &length) != 1)
        return {};
    std::string text;
    for (unsigned i = 0; i < length; ++i)
        fmt::format_to(std::back_inserter(text), "{}{:02X}", i == 0 ? "" : ":", digest[i]);
    return text;
}

}  // namespace poise::admin
