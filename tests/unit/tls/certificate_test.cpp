// Certificates and keys from files: what is read, what is refused in which words, what is warned
// of.
#include "tls/certificate.hpp"

#include "tests/unit/tls/authority.hpp"

#include <algorithm>

using namespace poise::tls;
using namespace poise::tls::test;
using namespace std::chrono_literals;

namespace {

std::string refusal(const std::string& cert, const std::string& key) {
    const auto loaded = Certificate::load(cert, key);
    REQUIRE_FALSE(loaded);
    return loaded.error().message;
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::vector<std::string> warnings_of(const Certificate& certificate, bool stapling = false) {
    std::vector<std::string> texts;
    for (const auto& each : certificate.warnings(std::chrono::system_clock::now(), stapling))
        texts.push_back(each.message);
    return texts;
}

}  // namespace

TEST_SUITE("tls/certificate") {
    TEST_CASE("names are the alternative ones, else the common name; addresses are none") {
        Authority authority;
        Wanted several;
        several.names = "DNS:A.test,DNS:*.B.test,IP:10.0.0.1,DNS:a.test";
        Wanted common;
        common.subject = "common.test";
        common.names.clear();

        CHECK(authority.make("several", several)->names() ==
              std::vector<std::string>{"a.test", "*.b.test"});
        CHECK(authority.make("common", common)->names() == std::vector<std::string>{"common.test"});
    }

    TEST_CASE("what is kept of the files is no larger than they are") {
        Authority authority;

        const auto made = authority.make("small", {});

        CHECK(made->chain_pem().capacity() < 4'096);
        CHECK(made->key_pem().capacity() < 4'096);
    }

    TEST_CASE("a file of several reads is read whole, and one above 1 MiB is refused") {
        Authority authority;
        std::string text;
        while (text.size() < 100'000)
            text += "line " + std::to_string(text.size()) + "\n";

        const auto whole = read_pem_file(authority.write("long.crt", text), "certificate");
        const auto large =
            read_pem_file(authority.write("large.crt", std::string(1'048'577, 'a')), "certificate");

        REQUIRE(whole);
        CHECK(*whole == text);
        REQUIRE_FALSE(large);
        CHECK(holds(large.error().message, "is larger than 1024 KiB"));
    }

    TEST_CASE("the kind of the key is known") {
        Authority authority;
        Wanted rsa;
        rsa.rsa = true;

        CHECK(authority.make("rsa", rsa)->kind() == KeyKind::rsa);
        CHECK(authority.make("ecdsa", {})->kind() == KeyKind::ecdsa);
    }

    TEST_CASE("an encrypted key is refused with the cure, and no terminal is asked") {
        Authority authority;
        const Signed made = authority.sign({}, &authority.root());
        const auto cert = authority.write("a.crt", pem_of(made.certificate.get()));
        const auto key = authority.write("a.key", pem_of(made.key.get(), "secret"));

        const auto loaded = Certificate::load(cert, key);

        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().message == "the key in '" + key + "' is encrypted");
        CHECK(holds(loaded.error().hint, "openssl pkey"));
    }

    TEST_CASE("the key of another certificate is refused, and so is a chain in the wrong order") {
        Authority authority;
        authority.make("one", {});
        authority.make("two", {});
        const Signed made = authority.sign({}, &authority.root());
        const auto turned =
            authority.write("turned.crt", authority.root_pem() + pem_of(made.certificate.get()));
        const auto key = authority.write("turned.key", pem_of(made.key.get()));

        CHECK(holds(refusal(authority.path("one.crt"), authority.path("two.key")),
                    "does not belong to the certificate"));
        const auto loaded = Certificate::load(turned, key);
        REQUIRE_FALSE(loaded);
        CHECK(holds(loaded.error().hint, "must come first"));
    }

    TEST_CASE("files without what they should hold are refused in these words") {
        Authority authority;
        authority.make("good", {});
        const auto cert = authority.path("good.crt");
        const auto key = authority.path("good.key");
        const auto garbage = authority.write("garbage", "no PEM at all\n");
        const auto broken = authority.write(
            "broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        const auto large = authority.write("large", std::string((1 << 20) + 1, 'x'));

        CHECK(holds(refusal(garbage, key), "no certificate in"));
        CHECK(holds(refusal(cert, garbage), "no private key in"));
        CHECK(holds(refusal(cert, broken), "cannot be read"));
        CHECK(holds(refusal(large, key), "larger than"));
        CHECK(holds(refusal(authority.path("nowhere"), key), "No such file"));
        CHECK(holds(refusal(cert, authority.path("nowhere")), "No such file"));
    }

    TEST_CASE("certificate and key may be in one file") {
        Authority authority;
        const Signed made = authority.sign({}, &authority.root());
        const auto both =
            authority.write("both.pem", pem_of(made.certificate.get()) + pem_of(made.key.get()));

        CHECK(Certificate::load(both, both));
    }

    TEST_CASE("a certificate that is too old, too new or soon too old is warned of") {
        struct Row {
            long begins_s, ends_s;
            const char* warning;
        };
        Authority authority;
        constexpr long day = 86'400;
        for (const Row& row :
             {Row{-2 * day, -day, "has expired on"}, Row{-day, 20 * day, "expires on"},
              Row{day, 90 * day, "is not valid before"}}) {
            CAPTURE(row.warning);
            Wanted wanted;
            wanted.begins_s = row.begins_s;
            wanted.ends_s = row.ends_s;

            const auto told = warnings_of(*authority.make("site", wanted));

            REQUIRE(told.size() == 1);
            CHECK(holds(told.front(), row.warning));
        }
        CHECK(warnings_of(*authority.make("site", {})).empty());
    }

    TEST_CASE("a missing issuer is warned of when clients would have to fetch it") {
        Authority authority;
        Wanted wanted;
        wanted.extensions = {{NID_info_access, "caIssuers;URI:http://ca.test/ca.crt"}};

        const auto alone = warnings_of(*authority.make("alone", wanted));
        const auto with_issuer = warnings_of(*authority.make("chain", wanted, true));

        REQUIRE(alone.size() == 1);
        CHECK(holds(alone.front(), "has no certificate of the issuer, CN=Test CA"));
        CHECK(with_issuer.empty());
    }

    TEST_CASE("a certificate that demands stapling is warned of where there is none") {
        Authority authority;
        Wanted wanted;
        wanted.extensions = {{NID_tlsfeature, "status_request"}};
        const auto made = authority.make("must", wanted);

        CHECK(made->must_staple());
        CHECK(warnings_of(*made, true).empty());
        REQUIRE(warnings_of(*made, false).size() == 1);
        CHECK(holds(warnings_of(*made, false).front(), "demands OCSP stapling"));
    }

    TEST_CASE("a name with a byte that ends or splits it is not taken") {
        Authority authority;
        Wanted wanted;
        wanted.subject = "evil name/x";
        wanted.names.clear();

        CHECK(authority.make("evil", wanted)->names().empty());
    }
}
