// The rules that nftables gets, as text.
#include "l4/kernel_guard.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;

namespace {

Services services_of(std::optional<Ip> masquerade) {
    auto service = std::make_shared<Service>();
    service->servers = {0, 2};
    service->masquerade = masquerade;
    Services services;
    services.services = {service};
    for (const char* server : {"10.1.0.1", "10.1.0.9", "10.1.0.2"})
        services.servers.push_back({nullptr, ip(server), 8'080, 0});
    services.by_destination = PortTable({{ip("10.0.0.100"), protocol_tcp, 80, 80, 0, 0},
                                         {ip("2001:db8::1"), protocol_udp, 5'000, 5'009, 0, 0}});
    services.by_server = PortTable({{ip("10.1.0.1"), protocol_tcp, 8'080, 8'080, 0, 0}});
    return services;
}

}  // namespace

TEST_CASE("l4 kernel guard: what is ours is dropped, what answers this machine is not") {
    const std::string rules = guard_rules(services_of({}), {"eth0", "eth1"}, "poise_7");
    CHECK(rules.find("table inet poise_7 { flags owner;") == 0);
    CHECK(rules.find("iifname != { \"eth0\", \"eth1\" } accept\n") != std::string::npos);
    CHECK(rules.find("elements = { 10.0.0.100 . tcp . 80 }") != std::string::npos);
    CHECK(rules.find("elements = { 2001:db8::1 . udp . 5000-5009 }") != std::string::npos);
    CHECK(rules.find("fib daddr type != local ip saddr . meta l4proto . th sport @servers4") !=
          std::string::npos);
    CHECK(rules.find("\nip saddr . meta l4proto . th sport @servers4 ip daddr { 10.0.0.100 } "
                     "th dport 49152-65535 counter drop") != std::string::npos);
}

TEST_CASE("l4 kernel guard: the servers of a service leave as its address") {
    CHECK(masquerade_chain(services_of({})).empty());
    CHECK(masquerade_chain(services_of(ip("10.0.0.100"))) ==
          "chain leaving { type nat hook postrouting priority srcnat; policy accept;\n"
          "ip saddr { 10.1.0.1, 10.1.0.2 } counter snat ip to 10.0.0.100\n}\n");
    Services six = services_of(ip("2001:db8::100"));
    six.servers[0].ip = ip("fd00::1");
    six.servers[2].ip = ip("fd00::2");
    CHECK(masquerade_chain(six).find(
              "ip6 saddr { fd00::1, fd00::2 } counter snat ip6 to 2001:db8::100") !=
          std::string::npos);
}
