#include "tls/ocsp.hpp"

#include "tls/identity.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace poise::tls {

namespace {

struct Free {
    void operator()(OCSP_REQUEST* request) const { OCSP_REQUEST_free(request); }
    void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
    void operator()(OCSP_BASICRESP* basic) const { OCSP_BASICRESP_free(basic); }
    void operator()(OCSP_CERTID* id) const { OCSP_CERTID_free(id); }
    void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
template <typename Object>
using Held = std::unique_ptr<Object, Free>;

template <typename Object>
Held<Object> held(Object* object) {
    if (object == nullptr) throw std::bad_alloc();
    return Held<Object>(object);
}

std::unexpected<std::string> wrong(std::string text) {
    ERR_clear_error();
    return std::unexpected(std::move(text));
}

OcspAnswer::Time time_of(const ASN1_GENERALIZEDTIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

// SHA-1, for that is what responders know (RFC 5019 section 2.1.1); nothing is signed by it.
Held<OCSP_CERTID> id_of(const std::vector<Owned<x509_st>>& chain) {
    return held(OCSP_cert_to_id(EVP_sha1(), chain[0].get(), chain[1].get()));
}

// The issuer is trusted, whether or not it is a root, and whoever it lets speak on its behalf.
bool signed_by(OCSP_BASICRESP* basic, X509* issuer) {
    const Owned<x509_store_st> store(X509_STORE_new());
    const auto known = held(sk_X509_new_null());
    if (!store || X509_STORE_add_cert(store.get(), issuer) != 1 ||
        sk_X509_push(known.get(), issuer) <= 0)
        throw std::bad_alloc();
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    return OCSP_basic_verify(basic, known.get(), store.get(), 0) == 1;
}

OcspAnswer::State state_of(int status) {
    if (status == V_OCSP_CERTSTATUS_GOOD) return OcspAnswer::State::good;
    return status == V_OCSP_CERTSTATUS_REVOKED ? OcspAnswer::State::revoked
                                               : OcspAnswer::State::unknown;
}

}  // namespace

std::expected<OcspQuestion, Problem> OcspQuestion::make(const Certificate& certificate) {
    if (certificate.ocsp_url().empty())
        return std::unexpected(
            Problem{fmt::format("the certificate '{}' names no OCSP responder", certificate.file()),
                    "its issuer has none: leave out ocsp_stapling"});
    OcspQuestion made;
    made.url_ = certificate.ocsp_url();
    made.chain_pem_ = certificate.chain_pem();
    const auto chain = parse_certificates(nullptr, made.chain_pem_);
    if (chain.size() < 2 || X509_check_issued(chain[1].get(), chain[0].get()) != X509_V_OK) {
        ERR_clear_error();
        return std::unexpected(Problem{
            fmt::format("ocsp_stapling needs the issuer's certificate in '{}'", certificate.file()),
            "append it behind the server's own"});
    }
    const auto request = held(OCSP_REQUEST_new());
    if (OCSP_request_add0_id(request.get(), id_of(chain).release()) == nullptr)
        throw std::bad_alloc();
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_REQUEST(request.get(), &der);
    if (size <= 0) throw std::bad_alloc();
    made.der_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return made;
}

std::expected<OcspAnswer, std::string> OcspQuestion::read(std::string_view answer,
                                                          OcspAnswer::Time now) const {
    const auto* at = reinterpret_cast<const unsigned char*>(answer.data());
    const Held<OCSP_RESPONSE> response(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(answer.size())));
    if (!response) return wrong("it is no OCSP response");
    if (const int status = OCSP_response_status(response.get());
        status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return wrong(fmt::format("the responder says: {}", OCSP_response_status_str(status)));
    const Held<OCSP_BASICRESP> basic(OCSP_response_get1_basic(response.get()));
    if (!basic) return wrong("it is no basic OCSP response");
    const auto chain = parse_certificates(nullptr, chain_pem_);
    if (!signed_by(basic.get(), chain[1].get()))
        return wrong(fmt::format("its signature is not the issuer's: {}", take_openssl_error()));

    int status = 0;
    int reason = 0;
    ASN1_GENERALIZEDTIME* revoked = nullptr;
    ASN1_GENERALIZEDTIME* this_update = nullptr;
    ASN1_GENERALIZEDTIME* next_update = nullptr;
    if (OCSP_resp_find_status(basic.get(), id_of(chain).get(), &status, &reason, &revoked,
                              &this_update, &next_update) != 1)
        return wrong("it is not about this certificate");
    ERR_clear_error();
    const OcspAnswer read{state_of(status), time_of(this_update), time_of(next_update)};
    if (next_update == nullptr) return wrong("it does not say until when it is good");
    if (read.this_update > now + clock_skew) return wrong("it is from the future");
    if (read.next_update <= now) return wrong("it is too old");
    return read;
}

}  // namespace poise::tls
