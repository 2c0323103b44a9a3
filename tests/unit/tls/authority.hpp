// A certificate authority for tests: makes certificates in a folder that is removed at the end.
#pragma once

#include "tls/certificate.hpp"
#include "tls/openssl.hpp"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace poise::tls::test {

/// What a certificate is to be.
struct Wanted {
    std::string subject = "site";
    std::string names = "DNS:site.test";  // subject alternative names; empty: none
    bool rsa = false;
    long begins_s = -3600;  // from now
    long ends_s = 90L * 86'400;
    std::vector<std::pair<int, std::string>> extensions = {};  // NID and OpenSSL's text
};

struct Signed {
    Owned<x509_st> certificate;
    Owned<evp_pkey_st> key;
};

inline Owned<evp_pkey_st> make_key(bool rsa) {
    return Owned<evp_pkey_st>(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
}

inline std::string pem_of(X509* certificate) {
    const Owned<bio_st> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(out.get(), certificate);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

/// With a password the key is encrypted.
inline std::string pem_of(EVP_PKEY* key, std::string password = {}) {
    const Owned<bio_st> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(out.get(), key, password.empty() ? nullptr : EVP_aes_128_cbc(),
                             nullptr, 0, nullptr, password.empty() ? nullptr : password.data());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

class Authority {
public:
    Authority() {
        std::string made = (std::filesystem::temp_directory_path() / "poise-tls-XXXXXX").string();
        REQUIRE(::mkdtemp(made.data()) != nullptr);
        folder_ = made;
        Wanted root;
        root.subject = "Test CA";
        root.names.clear();
        root.extensions = {{NID_basic_constraints, "critical,CA:TRUE"}};
        root_ = sign(root, nullptr);
        write("ca.crt", pem_of(root_.certificate.get()));
    }
    ~Authority() { std::filesystem::remove_all(folder_); }
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    /// Signed by `issuer`; null: by itself.
    Signed sign(const Wanted& wanted, const Signed* issuer) {
        Signed made{Owned<x509_st>(X509_new()), make_key(wanted.rsa)};
        X509* certificate = made.certificate.get();
        X509_set_version(certificate, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.begins_s);
        X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.ends_s);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(wanted.subject.c_str()),
                                   -1, -1, 0);
        X509* by = issuer != nullptr ? issuer->certificate.get() : certificate;
        X509_set_issuer_name(certificate, X509_get_subject_name(by));
        X509_set_pubkey(certificate, made.key.get());
        if (!wanted.names.empty()) add(certificate, NID_subject_alt_name, wanted.names);
        for (const auto& [nid, text] : wanted.extensions)
            add(certificate, nid, text);
        EVP_PKEY* signs = issuer != nullptr ? issuer->key.get() : made.key.get();
        REQUIRE(X509_sign(certificate, signs, EVP_sha256()) > 0);
        return made;
    }

    /// Signed by the root; as files "NAME.crt" and "NAME.key". `chain`: the root's follows it.
    std::shared_ptr<const Certificate> make(const std::string& name, const Wanted& wanted,
                                            bool chain = false) {
        const Signed made = sign(wanted, &root_);
        const std::string issuer = chain ? pem_of(root_.certificate.get()) : "";
        const auto cert = write(name + ".crt", pem_of(made.certificate.get()) + issuer);
        const auto loaded = Certificate::load(cert, write(name + ".key", pem_of(made.key.get())));
        REQUIRE(loaded);
        return *loaded;
    }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name, std::ios::trunc) << text;
        return path(name);
    }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    const Signed& root() const { return root_; }
    std::string root_pem() const { return pem_of(root_.certificate.get()); }

private:
    static void add(X509* certificate, int nid, const std::string& text) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, text.c_str());
        REQUIRE(extension != nullptr);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }

    std::filesystem::path folder_;
    Signed root_;
    long serial_ = 0;
};

}  // namespace poise::tls::test
