#include "persistence/key.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::persistence;

TEST_SUITE("persistence/key") {
    constexpr HashKey secret{11, 22};

    Address ip(std::string_view text, std::uint16_t port = 0) {
        Address address = parse_ip(text).value();
        address.port = port;
        return address;
    }

    TEST_CASE("a client's port does not count") {
        const KeyMaker keys("web", secret);
        CHECK(keys.from_address(ip("10.0.0.1", 1000)) == keys.from_address(ip("10.0.0.1", 2000)));
        CHECK(keys.from_address(ip("10.0.0.1")) != keys.from_address(ip("10.0.0.2")));
    }

    TEST_CASE("only the bits of the mask count, for each family its own") {
        const KeyMaker keys("web", secret, 24, 64);
        CHECK(keys.from_address(ip("10.0.0.1")) == keys.from_address(ip("10.0.0.254")));
        CHECK(keys.from_address(ip("10.0.0.1")) != keys.from_address(ip("10.0.1.1")));
        CHECK(keys.from_address(ip("2001:db8::1")) == keys.from_address(ip("2001:db8::2:1")));
        CHECK(keys.from_address(ip("2001:db8::1")) != keys.from_address(ip("2001:db8:0:1::1")));
    }

    TEST_CASE("with a mask of 0 a family is one client, but not both families") {
        const KeyMaker keys("web", secret, 0, 0);
        CHECK(keys.from_address(ip("10.0.0.1")) == keys.from_address(ip("192.0.2.1")));
        CHECK(keys.from_address(ip("2001:db8::1")) == keys.from_address(ip("fe80::1")));
        CHECK(keys.from_address(ip("10.0.0.1")) != keys.from_address(ip("fe80::1")));
    }

    TEST_CASE("services and secrets do not share keys") {
        const KeyMaker web("web", secret);
        const KeyMaker api("api", secret);
        const KeyMaker other("web", {11, 23});
        CHECK(web.from_text("user") != api.from_text("user"));
        CHECK(web.from_text("user") != other.from_text("user"));
        CHECK(web.from_address(ip("10.0.0.1")) != api.from_address(ip("10.0.0.1")));
        CHECK(web.from_text("user") == KeyMaker("web", secret).from_text("user"));
    }

    TEST_CASE("a server's id is the same for ever and on both nodes") {
        CHECK(server_id("web", "web1") == 7168169920731815685u);
    }

    TEST_CASE("a server's id depends on where the service's name ends") {
        CHECK(server_id("web", "1a") != server_id("web1", "a"));
        CHECK(server_id("", "") != 0);
        CHECK(server_id("a", "b") != server_id("b", "a"));
    }
}
