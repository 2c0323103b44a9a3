// What responders say: whose word counts, about what, and until when.
#include "tls/ocsp.hpp"

#include "tests/unit/tls/authority.hpp"

#include <openssl/ocsp.h>

#include <ctime>
#include <optional>

using namespace poise::tls;
using namespace poise::tls::test;
using namespace std::chrono_literals;
using State = OcspAnswer::State;
using Clock = std::chrono::system_clock;

namespace {

// A responder of the test authority: answers about whatever is asked.
struct Responder {
    explicit Responder(Authority& of) : authority(of) {
        Wanted wanted;
        wanted.extensions = {{NID_info_access, "OCSP;URI:http://ocsp.test/"}};
        const auto certificate = authority.make("site", wanted, true);
        auto made = OcspQuestion::make(*certificate);
        REQUIRE(made);
        question.emplace(std::move(*made));
    }

    // By `by`, about the question (or about `other`), good from an hour ago until `ends_s`.
    std::string say(int status, const Signed& by, long ends_s = 3600,
                    const OcspQuestion* other = nullptr, long begins_s = -3600) const {
        const std::string& der = (other != nullptr ? *other : *question).der();
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        OCSP_REQUEST* request = d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(der.size()));
        OCSP_CERTID* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0));
        OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
        ASN1_TIME* begins = X509_gmtime_adj(nullptr, begins_s);
        ASN1_TIME* ends = ends_s == 0 ? nullptr : X509_gmtime_adj(nullptr, ends_s);
        const int reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
        OCSP_basic_add1_status(basic, id, status, reason,
                               status == V_OCSP_CERTSTATUS_REVOKED ? begins : nullptr, begins,
                               ends);
        OCSP_basic_sign(basic, by.certificate.get(), by.key.get(), EVP_sha256(), nullptr, 0);
        OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
        unsigned char* bytes = nullptr;
        const int size = i2d_OCSP_RESPONSE(response, &bytes);
        std::string text(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
        OPENSSL_free(bytes);
        OCSP_RESPONSE_free(response);
        ASN1_TIME_free(begins);
        ASN1_TIME_free(ends);
        OCSP_BASICRESP_free(basic);
        OCSP_REQUEST_free(request);
        return text;
    }

    std::string refusal(const std::string& answer) const {
        const auto read = question->read(answer, Clock::now());
        return read ? "" : read.error();
    }

    Authority& authority;
    std::optional<OcspQuestion> question;
};

}  // namespace

TEST_SUITE("tls/ocsp") {
    TEST_CASE("the issuer's word counts, and that of whom it lets speak") {
        Authority authority;
        const Responder responder(authority);
        Wanted wanted;
        wanted.extensions = {{NID_ext_key_usage, "OCSPSigning"}};
        const Signed delegate = authority.sign(wanted, &authority.root());

        for (const Signed* by : {&authority.root(), &delegate}) {
            const auto read =
                responder.question->read(responder.say(V_OCSP_CERTSTATUS_GOOD, *by), Clock::now());

            REQUIRE(read);
            CHECK(read->state == State::good);
            CHECK(read->next_update > Clock::now() + 3500s);
            CHECK(read->next_update < Clock::now() + 3700s);
        }
    }

    TEST_CASE("nobody else's does") {
        Authority authority;
        Authority others;
        const Responder responder(authority);
        const Signed server = authority.sign({}, &authority.root());  // not for OCSP
        Wanted wanted;
        wanted.extensions = {{NID_ext_key_usage, "OCSPSigning"}};
        const Signed foreign = others.sign(wanted, &others.root());

        for (const Signed* by : {&server, &foreign, &others.root()})
            CHECK(responder.refusal(responder.say(V_OCSP_CERTSTATUS_GOOD, *by))
                      .starts_with("its signature is not the issuer's"));
    }

    TEST_CASE("revoked and unknown are told") {
        Authority authority;
        const Responder responder(authority);
        const auto state = [&](int status) {
            const auto read =
                responder.question->read(responder.say(status, authority.root()), Clock::now());
            REQUIRE(read);
            return read->state;
        };

        CHECK(state(V_OCSP_CERTSTATUS_REVOKED) == State::revoked);
        CHECK(state(V_OCSP_CERTSTATUS_UNKNOWN) == State::unknown);
    }

    TEST_CASE("an answer that is too old, too new, endless or about another one is refused") {
        Authority authority;
        const Responder responder(authority);
        Authority elsewhere;
        const Responder other(authority);  // another certificate of the same issuer
        const Signed& root = authority.root();
        constexpr int good = V_OCSP_CERTSTATUS_GOOD;

        CHECK(responder.refusal(responder.say(good, root, -60)) == "it is too old");
        CHECK(responder.refusal(responder.say(good, root, 7200, nullptr, 3600)) ==
              "it is from the future");
        CHECK(responder.refusal(responder.say(good, root, 0)) ==
              "it does not say until when it is good");
        CHECK(responder.refusal(responder.say(good, root, 3600, &*other.question)) ==
              "it is not about this certificate");
    }

    TEST_CASE("a changed byte, an error of the responder and garbage are refused") {
        Authority authority;
        const Responder responder(authority);
        std::string changed = responder.say(V_OCSP_CERTSTATUS_GOOD, authority.root());
        changed[changed.size() / 4] ^= 1;

        CHECK_FALSE(responder.refusal(changed).empty());
        CHECK(responder.refusal("") == "it is no OCSP response");
        CHECK(responder.refusal("<html>") == "it is no OCSP response");
        CHECK(responder.refusal(std::string("\x30\x03\x0a\x01\x03", 5)) ==
              "the responder says: trylater");
    }

    TEST_CASE("without a responder or the issuer's certificate there is no question") {
        Authority authority;
        Wanted wanted;
        wanted.extensions = {{NID_info_access, "OCSP;URI:http://ocsp.test/"}};

        const auto no_responder = OcspQuestion::make(*authority.make("a", {}, true));
        const auto no_issuer = OcspQuestion::make(*authority.make("b", wanted));

        REQUIRE_FALSE(no_responder);
        CHECK(no_responder.error().message.find("names no OCSP responder") != std::string::npos);
        REQUIRE_FALSE(no_issuer);
        CHECK(no_issuer.error().hint == "append it behind the server's own");
    }
}
