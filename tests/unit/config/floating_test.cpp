// What may be written under floating_ips.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::config;

namespace {

std::string with(const std::string& floating) {
    return "floating_ips: " + floating + "\n" + service_with("");
}

}  // namespace

TEST_SUITE("config/floating") {
    TEST_CASE("the short form and the mapping say the same") {
        const auto all = loaded(with("[10.0.0.100/24 dev eth0, "
                                     "{address: \"2001:db8::100/64\", interface: eth1.7}]"))
                             .floating_ips;

        REQUIRE(all.size() == 2);
        CHECK(all[0] == FloatingAddress{*parse_ip("10.0.0.100"), 24, "eth0"});
        CHECK(all[1] == FloatingAddress{*parse_ip("2001:db8::100"), 64, "eth1.7"});
        CHECK(loaded(with("10.0.0.100/32  dev  lo")).floating_ips[0] ==
              FloatingAddress{*parse_ip("10.0.0.100"), 32, "lo"});
        CHECK(loaded(with("[]")).floating_ips.empty());
    }

    TEST_CASE("what is written out loads again") {
        const auto config = loaded(with("[10.0.0.100/24 dev eth0, \"2001:db8::100/64 dev eth1\"]"));

        CHECK(loaded(effective_yaml(config)) == config);
    }

    TEST_CASE("what cannot be a floating address is refused, with what to write instead") {
        const std::vector<BadText> rows{
            {"[10.0.0.100/24]",
             "1:16 floating address 10.0.0.100 has no interface | write 10.0.0.100/24 dev eth0, or "
             "the interface that is meant"},
            {"[10.0.0.100 dev eth0]",
             "1:16 'floating_ips' needs the length of its network's prefix, found '10.0.0.100' | "
             "write "
             "10.0.0.100/24 if the network is that large, 10.0.0.100/32 for the address alone"},
            {"[10.0.0.100/33 dev eth0]",
             "1:16 'floating_ips' has the prefix length '33', which must be 1 to 32 | such as "
             "10.0.0.100/24 dev eth0"},
            {"[10.0.0.100/24 eth0]",
             "1:16 'floating_ips' must be an address, or an address and its interface, found "
             "'10.0.0.100/24 eth0' | such as 10.0.0.100/24 dev eth0"},
            {"[vip/24 dev eth0]",
             "1:16 'floating_ips' must be an address and the length of its network's prefix, found "
             "'vip/24' | such as 10.0.0.100/24 dev eth0"},
            {"[10.0.0.100/24 dev an-interface-too-long]",
             "1:16 'floating_ips' must be the name of a network interface, at most 15 characters, "
             "found "
             "'an-interface-too-long' | such as eth0; `ip link` shows those of this machine"},
            {"[10.0.0.0/24 dev eth0]",
             "1:16 10.0.0.0/24 cannot be a floating address: it is the name of its network"},
            {"[10.0.1.255/23 dev eth0]",
             "1:16 10.0.1.255/23 cannot be a floating address: it is the broadcast address of its "
             "network"},
            {"[224.0.0.18/32 dev eth0]",
             "1:16 224.0.0.18/32 cannot be a floating address: it is a multicast address"},
            {"[10.0.0.100/24 dev eth0, 10.0.0.100/32 dev eth1]",
             "1:40 the floating address 10.0.0.100 is there twice | line 1 has it already"},
            {"[{interface: eth0}]", "1:16 this floating_ip has no 'address'"},
        };
        for (const BadText& row : rows)
            CHECK(config_errors(with(row.yaml)) == row.errors);
    }

    TEST_CASE("the machine is asked for the interface") {
        const MachineChecks machine{.floating_ip = [](const FloatingAddress& address) {
            return std::optional(Problem{"no " + address.interface, "a cure", true});
        }};

        const auto config = parse_config(with("[10.0.0.100/24 dev eth7]"), "f", ".", machine);
        REQUIRE_FALSE(config);
        CHECK(errors_of(config.error()) == "1:16 no eth7 | a cure");
    }
}
