// Which certificate a client gets, by the name it asks for and by what it can verify.
#include "tls/server_context.hpp"

#include "tests/unit/tls/ends.hpp"

#include <optional>

using namespace poise;
using namespace poise::tls;
using namespace poise::tls::test;
using namespace std::chrono_literals;

namespace {

Wanted wanted(std::string subject, std::string names, bool rsa = false) {
    Wanted made;
    made.subject = std::move(subject);
    made.names = std::move(names);
    made.rsa = rsa;
    return made;
}

std::string subject_of(const X509* certificate) {
    std::array<char, 64> text{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(),
                              static_cast<int>(text.size()));
    return text.data();
}

struct Servers {
    // Whom a client meets that asks for `name`, verifies by `algorithms`, speaks up to `version`.
    std::string met(const char* name, const char* algorithms = nullptr,
                    int version = TLS1_3_VERSION) {
        Pair pair;
        const auto stream =
            side.stream(pair.ours, served->context->make_session(), TlsStream::Side::server);
        Peer peer(pair.theirs);
        const auto client = client_context();
        SSL_CTX_set_max_proto_version(client.get(), version);
        if (algorithms != nullptr) REQUIRE(SSL_CTX_set1_sigalgs_list(client.get(), algorithms));
        SSL* session = peer.speak(client.get());
        if (name != nullptr) SSL_set_tlsext_host_name(session, name);
        if (shake(side, *stream, session) != Handshake::done) return "nobody";
        return subject_of(SSL_get0_peer_certificate(session));
    }
    void serve(const std::vector<Wanted>& all) {
        std::vector<std::shared_ptr<const Certificate>> certificates;
        for (const Wanted& each : all)
            certificates.push_back(authority.make(each.subject, each));
        served.emplace(side, certificates);
    }

    Authority authority;
    Side side;
    std::optional<Served> served;
};

}  // namespace

TEST_SUITE("tls/server_context") {
    TEST_CASE("an exact name comes before a wildcard, which stands for one label") {
        Servers servers;
        servers.serve({wanted("first", "DNS:first.test"), wanted("wild", "DNS:*.site.test"),
                       wanted("exact", "DNS:a.site.test,DNS:b.site.test")});

        CHECK(servers.met("a.site.test") == "exact");
        CHECK(servers.met("B.Site.Test") == "exact");
        CHECK(servers.met("c.site.test") == "wild");
        CHECK(servers.met("first.test") == "first");
    }

    TEST_CASE("no name, or one that nobody has, gets the first certificate") {
        Servers servers;
        servers.serve({wanted("first", "DNS:first.test"), wanted("wild", "DNS:*.site.test")});

        CHECK(servers.met(nullptr) == "first");
        CHECK(servers.met("unknown.test") == "first");
        CHECK(servers.met("site.test") == "first");
        CHECK(servers.met("a.b.site.test") == "first");
    }

    TEST_CASE("names are found in any case, with a final dot, and never beyond their length") {
        Servers servers;
        servers.serve({wanted("first", "DNS:first.test"), wanted("site", "DNS:site.test")});
        const ServerContext& context = *servers.served->context;
        auto* const first = context.find("first.test");
        auto* const site = context.find("site.test");

        CHECK(first != site);
        CHECK(context.find("SITE.TEST") == site);
        CHECK(context.find("site.test.") == site);
        for (const auto* odd : {"", ".", "..", ".site.test", "site.test..", "*", "*.test"})
            CHECK(context.find(odd) == first);
        CHECK(context.find(std::string(300, 'a')) == first);
        CHECK(context.find(std::string_view("site.test\0x", 11)) == first);
    }

    TEST_CASE("RSA and ECDSA of one name are chosen by what the client verifies") {
        Servers servers;
        servers.serve({wanted("rsa", "DNS:site.test", true), wanted("ecdsa", "DNS:site.test")});

        CHECK(servers.met("site.test") == "ecdsa");
        CHECK(servers.met("site.test", "rsa_pss_rsae_sha256") == "rsa");
        CHECK(servers.met("site.test", "ecdsa_secp256r1_sha256") == "ecdsa");
        CHECK(servers.met("site.test", "RSA+SHA256", TLS1_2_VERSION) == "rsa");
    }

    TEST_CASE("a wildcard lends an exact name the kind of key that it lacks") {
        Servers servers;
        servers.serve(
            {wanted("exact", "DNS:a.site.test"), wanted("wild", "DNS:*.site.test", true)});

        CHECK(servers.met("a.site.test", "ecdsa_secp256r1_sha256") == "exact");
        CHECK(servers.met("a.site.test", "rsa_pss_rsae_sha256") == "wild");
    }

    TEST_CASE("a client that verifies nothing we have is turned away") {
        Servers servers;
        servers.serve({wanted("rsa", "DNS:site.test", true)});

        CHECK(servers.met("site.test", "ecdsa_secp256r1_sha256") == "nobody");
    }

    TEST_CASE("what is stapled is shown to who asks, as long as it is good") {
        Authority authority;
        Side side;
        const auto slot = std::make_shared<StapleSlot>();
        const Served served(side, {authority.make("site", {})}, {}, slot);
        const auto shown = [&](bool asks) {
            Pair pair;
            const auto stream =
                side.stream(pair.ours, served.context->make_session(), TlsStream::Side::server);
            Peer peer(pair.theirs);
            const auto client = client_context();
            SSL* session = peer.speak(client.get());
            if (asks) SSL_set_tlsext_status_type(session, TLSEXT_STATUSTYPE_ocsp);
            CHECK(shake(side, *stream, session) == Handshake::done);
            const unsigned char* bytes = nullptr;
            const long size = SSL_get_tlsext_status_ocsp_resp(session, &bytes);
            return std::string(reinterpret_cast<const char*>(bytes),
                               size > 0 ? static_cast<std::size_t>(size) : 0);
        };
        const auto now = std::chrono::system_clock::now();

        CHECK(shown(true).empty());
        slot->set(std::make_shared<const Staple>("an answer", now + 1h));
        CHECK(shown(true) == "an answer");
        CHECK(shown(false).empty());
        slot->set(std::make_shared<const Staple>("an old answer", now - 1s));
        CHECK(shown(true).empty());
    }
}
