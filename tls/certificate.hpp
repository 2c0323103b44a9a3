// A certificate with its chain and key, read from files and checked.
#pragma once

#include "tls/openssl.hpp"
#include "tls/problem.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace poise::tls {

/// What signs: a client that cannot verify the one kind is given the other.
enum class KeyKind : std::uint8_t { rsa, ecdsa, other };

std::string_view word(KeyKind kind);  // "rsa"

/// Immutable, shared by all workers. The key is kept as text, for each worker makes its own of it,
/// and overwritten at the end.
class Certificate {
public:
    using Time = std::chrono::system_clock::time_point;

    /// Reads both files (PEM; they may be the same one) and sees that they fit together. The
    /// chain starts with the server's own certificate; `key_file` must not be encrypted.
    static std::expected<std::shared_ptr<const Certificate>, Problem> load(
        const std::string& cert_file, const std::string& key_file);

    ~Certificate();
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;

    const std::string& file() const { return cert_file_; }
    const std::string& chain_pem() const { return chain_pem_; }
    const std::string& key_pem() const { return key_pem_; }
    /// Lower case; "*.example.com" is a wildcard. The subject alternative names, or the common
    /// name when there are none. Addresses are not among them.
    const std::vector<std::string>& names() const { return names_; }
    const std::string& subject() const { return subject_; }
    const std::string& issuer() const { return issuer_; }
    KeyKind kind() const { return kind_; }
    Time not_before() const { return not_before_; }
    Time not_after() const { return not_after_; }
    /// Where its state of revocation can be asked for (OCSP, RFC 6960); empty: nowhere.
    const std::string& ocsp_url() const { return ocsp_url_; }
    /// It demands that its state is stapled (RFC 7633): some clients refuse it without.
    bool must_staple() const { return must_staple_; }
    bool self_signed() const { return self_signed_; }
    /// The chain holds more than the certificate itself.
    bool has_intermediates() const { return intermediates_; }

    /// What is not wrong enough to refuse it, but will be noticed by clients: it has expired or
    /// soon will, is not valid yet, lacks its issuer though that can be fetched, demands stapling
    /// that is not `stapling`. Whole sentences.
    std::vector<Problem> warnings(Time now, bool stapling) const;

    static constexpr std::chrono::days warned_before_end{21};

private:
    Certificate() = default;

    std::string cert_file_;
    std::string chain_pem_;
    std::string key_pem_;
    std::vector<std::string> names_;
    std::string subject_;
    std::string issuer_;
    std::string ocsp_url_;
    KeyKind kind_ = KeyKind::other;
    Time not_before_;
    Time not_after_;
    bool names_issuer_ = false;  // says where the issuer's certificate is (caIssuers)
    bool must_staple_ = false;
    bool self_signed_ = false;
    bool intermediates_ = false;
};

/// The whole of a PEM file (at most 1 MiB), or why not. For certificates of authorities and lists
/// of revoked ones, too.
std::expected<std::string, Problem> read_pem_file(const std::string& path, std::string_view what);

}  // namespace poise::tls
