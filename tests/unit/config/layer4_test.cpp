// Modes dr and nat: what they accept, what the checker refuses, and what is filled in.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

using namespace poise::config;
using namespace std::chrono_literals;

namespace {

std::string service(const std::string& mode, const std::string& listen, const std::string& server,
                    const std::string& lines = "") {
    return "services:\n  web:\n    mode: " + mode + "\n    protocol: tcp\n    listen: \"" + listen +
           "\"\n    servers: [\"" + server + "\"]\n" + lines;
}

}  // namespace

TEST_SUITE("config/layer4") {
    TEST_CASE("a service by dr, a service by nat") {
        const Service dr = loaded(service("dr", "10.0.0.100:80", "10.0.0.1")).services[0];
        CHECK(dr.mode == Mode::dr);
        CHECK(dr.servers[0].port == 0);
        CHECK(dr.health.port == 80);
        CHECK(dr.layer4 == Layer4{});

        const Service nat = loaded(service("nat", "10.0.0.100:80", "10.1.0.1:8080",
                                           "    layer4: {established: 1h, adopt: false}\n"))
                                .services[0];
        CHECK(nat.mode == Mode::nat);
        CHECK_FALSE(nat.health.port.has_value());
        CHECK(nat.layer4.established == 1h);
        CHECK_FALSE(nat.layer4.adopt);
    }

    TEST_CASE("a range of ports") {
        const Service web = loaded(service("nat", "10.0.0.100:5000-5100", "10.1.0.1")).services[0];
        CHECK(web.listen[0].address.port == 5'000);
        CHECK(web.listen[0].port_last == 5'100);
        CHECK(web.health.port == 5'000);
        CHECK(config_errors(service("nat", "10.0.0.100:90-80", "10.1.0.1")) ==
              "5:13 'listen' must be a range from the lower port to the higher, found "
              "'10.0.0.100:90-80'");
        CHECK(config_errors(service("snat", "10.0.0.100:80-90", "10.1.0.1:80")) ==
              "5:13 a range of ports needs mode nat or dr | write mode: nat, or each port by "
              "itself");
    }

    TEST_CASE("masquerade and pairs of ports") {
        const Service web =
            loaded(service("nat", "10.0.0.100:80", "10.1.0.1", "    layer4: {masquerade: true}\n"))
                .services[0];
        CHECK(web.layer4.masquerade);
        CHECK_FALSE(web.layer4.rtp_pairs);
        const std::string udp =
            "services:\n  media:\n    mode: nat\n    protocol: udp\n    listen: "
            "\"10.0.0.100:5000-5009\"\n    servers: [10.1.0.1]\n    layer4: ";
        CHECK(loaded(udp + "{rtp_pairs: true}\n").services[0].layer4.rtp_pairs);
        CHECK(config_errors(udp + "{rtp_pairs: true, one_packet: true}\n") ==
              "7:25 'rtp_pairs' and 'one_packet' contradict each other | leave one of them out");
    }

    TEST_CASE("what cannot work is refused") {
        const BadText rows[] = {
            {service("dr", "10.0.0.100:80", "10.0.0.1", "    layer4: {masquerade: true}\n"),
             "7:26 'masquerade' needs mode nat: with mode dr servers have a way out of their own"},
            {service("nat", "10.0.0.100:80", "10.0.0.1", "    layer4: {rtp_pairs: true}\n"),
             "7:25 'rtp_pairs' needs protocol udp"},
            {service("dr", "10.0.0.100:80", "10.0.0.1:8080"),
             "6:15 mode dr cannot translate port 80 to 8080 | leave the server's port out, or use "
             "mode nat or snat"},
            {service("nat", "10.0.0.100:80-90", "10.0.0.1:8080"),
             "6:15 mode nat cannot translate ports 80-90 to 8080 | leave the server's port out: "
             "the packets keep theirs"},
            {service("dr", ":80", "10.0.0.1"),
             "5:13 mode dr needs one address to listen on, found [::]:80 | write the virtual "
             "address: 10.0.0.100:80\n"
             "6:15 mode dr cannot translate between IPv4 and IPv6: the service listens on [::]:80, "
             "the server is 10.0.0.1 | use mode snat, or a service for each of them"},
            {service("nat", "10.0.0.100:80", "web.example:80"),
             "6:15 mode nat needs the address of a server, not a name, found 'web.example'"},
            {service("nat", "10.0.0.100:80", "10.0.0.1:80", "    send_proxy: v2\n"),
             "7:17 'send_proxy' needs mode snat: with mode nat packets pass, of which only "
             "addresses are changed"},
        };
        for (const BadText& row : rows) {
            CAPTURE(row.yaml);
            CHECK(config_errors(row.yaml) == row.errors);
        }
        CHECK(config_errors("services:\n  web:\n    mode: dr\n    listen: 10.0.0.100:80\n"
                            "    servers: [10.0.0.1]\n")
                  .starts_with("2:3 mode dr works with protocol tcp and udp, but service 'web' has "
                               "http"));
    }

    TEST_CASE("ranges of one address do not overlap") {
        const std::string two =
            service("nat", "10.0.0.100:80-90", "10.1.0.1") +
            "  other: {mode: nat, protocol: tcp, listen: \"10.0.0.100:85\", servers: [10.1.0.1]}\n";
        CHECK(config_errors(two).find("10.0.0.100:85 is within the ports that line 5 listens on") !=
              std::string::npos);
    }
}
