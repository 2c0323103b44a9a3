// Whom we take for the server that we meant, and in which words we refuse the others.
#include "tls/client_context.hpp"

#include "tests/unit/tls/ends.hpp"

#include <optional>

using namespace poise;
using namespace poise::tls;
using namespace poise::tls::test;

namespace {

// A server of ours behind a client of ours.
struct Met {
    HandshakeFault fault = HandshakeFault::none;  // of the client
    std::string text;
};

struct Towards {
    explicit Towards(const std::string& ca_pem, bool verify = true) {
        ClientSettings settings;
        settings.ca_pem = ca_pem;
        settings.verify = verify;
        context.emplace(side.library, settings);
    }
    Met meet(const std::shared_ptr<const Certificate>& certificate, const ServerName& name) {
        const Served served(side, {certificate});
        Pair pair;
        const auto client =
            side.stream(pair.ours, context->make_session(name), TlsStream::Side::client);
        const auto server =
            side.stream(pair.theirs, served.context->make_session(), TlsStream::Side::server);
        const auto states = shake(side, *client, *server);
        if (states.first == Handshake::done) return {};
        return {client->fault(), std::string(client->error_text())};
    }

    Side side;
    std::optional<ClientContext> context;
};

}  // namespace

TEST_SUITE("tls/client_context") {
    TEST_CASE("the name must be the certificate's, as a name or as an address") {
        Authority authority;
        Towards towards(authority.root_pem());
        Wanted both;
        both.names = "DNS:site.test,IP:10.0.0.1,IP:fd77::1";
        const auto certificate = authority.make("site", both);

        CHECK(towards.meet(certificate, {.name = "site.test"}).fault == HandshakeFault::none);
        CHECK(towards.meet(certificate, {.address = parse_ip("10.0.0.1")}).fault ==
              HandshakeFault::none);
        CHECK(towards.meet(certificate, {.address = parse_ip("fd77::1")}).fault ==
              HandshakeFault::none);
        const Met other = towards.meet(certificate, {.name = "else.test"});
        CHECK(other.fault == HandshakeFault::bad_certificate);
        CHECK(other.text == "hostname mismatch");
        const Met elsewhere = towards.meet(certificate, {.address = parse_ip("10.0.0.2")});
        CHECK(elsewhere.fault == HandshakeFault::bad_certificate);
        CHECK(elsewhere.text == "IP address mismatch");
    }

    TEST_CASE("an old certificate, a stranger's and one whose issuer is missing are refused") {
        Authority authority;
        Authority stranger;
        Towards towards(authority.root_pem());
        Wanted old;
        old.begins_s = -7200;
        old.ends_s = -3600;
        Wanted between;
        between.subject = "Intermediate";
        between.names.clear();
        between.extensions = {{NID_basic_constraints, "critical,CA:TRUE"}};
        const Signed intermediate = authority.sign(between, &authority.root());
        const Signed leaf = authority.sign({}, &intermediate);
        const auto key = authority.write("leaf.key", pem_of(leaf.key.get()));
        const auto alone = authority.write("alone.crt", pem_of(leaf.certificate.get()));
        const auto chain = authority.write(
            "chain.crt", pem_of(leaf.certificate.get()) + pem_of(intermediate.certificate.get()));
        const ServerName name{.name = "site.test"};

        CHECK(towards.meet(authority.make("old", old), name).text == "certificate has expired");
        CHECK(towards.meet(stranger.make("site", {}), name).text ==
              "certificate signature failure");  // the other authority has the same name
        CHECK(towards.meet(*Certificate::load(alone, key), name).text ==
              "unable to get local issuer certificate");
        CHECK(towards.meet(*Certificate::load(chain, key), name).fault == HandshakeFault::none);
    }

    TEST_CASE("without verification all of them will do") {
        Authority stranger;
        Towards careless("", false);
        Wanted old;
        old.ends_s = -60;

        CHECK(careless.meet(stranger.make("old", old), {.name = "else.test"}).fault ==
              HandshakeFault::none);
    }

    TEST_CASE("a server is called by the setting, by its name, or by its address") {
        config::ServerTls settings;
        config::Server server;
        server.host = "10.0.0.1";
        server.address = parse_ip("10.0.0.1");

        CHECK(name_of(settings, server).name.empty());
        CHECK(name_of(settings, server).address == server.address);
        server.host = "web.test";
        server.address.reset();
        CHECK(name_of(settings, server).name == "web.test");
        settings.name = "inner.test";
        CHECK(name_of(settings, server).name == "inner.test");
    }
}
