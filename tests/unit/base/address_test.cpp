#include "base/address.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace poise;

TEST_SUITE("base/address") {
    TEST_CASE("addresses with a port are read and written alike") {
        for (const auto* text : {"10.0.0.1:80", "[2001:db8::1]:443", "[::]:65535", "0.0.0.0:1"}) {
            CAPTURE(text);
            const auto address = parse_address(text);
            REQUIRE(address);
            CHECK(to_string(*address) == text);
        }
    }

    TEST_CASE("what is not exactly an address is refused") {
        for (const auto* text :
             {"", ":80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:080", "10.0.0:80",
              "10.0.0.256:80", "010.0.0.1:80", "10.0.0.1.2:80", "2001:db8::1:80", "[10.0.0.1]:80",
              "[::1]", "[::1%eth0]:80", "10.0.0.1:+8", "a:80", "1.2.3.4 :80", "[]:80"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_address(text));
        }
    }

    TEST_CASE("a prefix contains its addresses and no others") {
        struct Row {
            const char *prefix, *inside, *outside;
        };
        for (const auto& row :
             {Row{"10.0.0.0/8", "10.255.0.1", "11.0.0.0"}, Row{"10.1.2.3", "10.1.2.3", "10.1.2.2"},
              Row{"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
              Row{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
              Row{"0.0.0.0/0", "255.1.1.1", "::1"}}) {
            CAPTURE(row.prefix);
            const auto prefix = parse_prefix(row.prefix);
            REQUIRE(prefix);
            CHECK(prefix->contains(*parse_ip(row.inside)));
            CHECK_FALSE(prefix->contains(*parse_ip(row.outside)));
        }
        CHECK_FALSE(parse_prefix("10.0.0.0/33"));
        CHECK_FALSE(parse_prefix("10.0.0.0/"));
        CHECK(to_string(*parse_prefix("10.9.8.7/8")) == "10.0.0.0/8");
    }
}
