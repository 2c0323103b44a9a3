// Whether a certificate has been revoked: what its issuer's responder is asked, and what it says
// (OCSP, RFC 6960). No I/O: the caller carries the bytes.
#pragma once

#include "tls/certificate.hpp"
#include "tls/openssl.hpp"
#include "tls/problem.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace poise::tls {

struct OcspAnswer {
    enum class State : std::uint8_t { good, revoked, unknown };
    using Time = std::chrono::system_clock::time_point;

    State state = State::unknown;
    Time this_update;
    Time next_update;  // no longer to be shown to anybody from then on
};

/// The question for one certificate. Immutable.
class OcspQuestion {
public:
    /// The problem says what the certificate lacks: a responder, or its issuer's certificate in
    /// the same file.
    static std::expected<OcspQuestion, Problem> make(const Certificate& certificate);

    const std::string& url() const { return url_; }  // of the responder
    const std::string& der() const { return der_; }  // the body of the POST (appendix A.1)

    /// Sees that `answer` is signed by the issuer or on its behalf, is about this certificate and
    /// is good now. The error is for people: "the signature is wrong".
    std::expected<OcspAnswer, std::string> read(std::string_view answer,
                                                OcspAnswer::Time now) const;

    static constexpr std::chrono::minutes clock_skew{5};

private:
    OcspQuestion() = default;

    std::string url_;
    std::string der_;
    std::string chain_pem_;
};

}  // namespace poise::tls
