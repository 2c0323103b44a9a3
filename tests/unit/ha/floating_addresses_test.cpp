#include "ha/floating_addresses.hpp"

#include "tests/unit/ha/own_network.hpp"

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;
using config::FloatingAddress;

namespace {

const auto start = FloatingAddresses::Clock::now();

FloatingAddress floating(const char* ip, int prefix_length, const char* interface = "lo") {
    return {.address = *parse_ip(ip), .prefix_length = prefix_length, .interface = interface};
}

std::vector<FloatingAddress> v4_and_v6() {
    return {floating("10.9.9.100", 24), floating("10.9.9.101", 24), floating("fd09::100", 64)};
}

FloatingAddresses open(std::vector<FloatingAddress> addresses) {
    auto opened = FloatingAddresses::open(std::move(addresses));
    REQUIRE(opened);
    return std::move(*opened);
}

}  // namespace

TEST_SUITE("ha/floating_addresses") {
    TEST_CASE("held addresses are there, and gone after the release") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = open(v4_and_v6());

        const auto held = addresses.hold(60s, start);
        CHECK(held.acted);
        CHECK(held.changed);
        CHECK(held.problems.empty());
        CHECK(addresses.present() == v4_and_v6());

        const auto released = addresses.release(start);
        CHECK(released.changed);
        CHECK(released.problems.empty());
        CHECK(addresses.present()->empty());
    }

    TEST_CASE("the same call again asks the kernel only when it is time") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = open(v4_and_v6());
        addresses.hold(2s, start);

        CHECK_FALSE(addresses.hold(2s, start + 499ms).acted);
        const auto renewed = addresses.hold(2s, start + 500ms);
        CHECK(renewed.acted);
        CHECK_FALSE(renewed.changed);

        addresses.release(start + 501ms);
        CHECK_FALSE(addresses.release(start + 1000ms).acted);
        const auto again = addresses.release(start + 1001ms);
        CHECK(again.acted);
        CHECK_FALSE(again.changed);
        CHECK(again.problems.empty());
    }

    TEST_CASE("an address that others have removed comes back with the next renewal") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = open(v4_and_v6());
        auto others = open({v4_and_v6()[1]});
        addresses.hold(60s, start);

        others.release(start);
        CHECK(addresses.present()->size() == 2);

        CHECK(addresses.hold(60s, start + 15s).changed);
        CHECK(addresses.present() == v4_and_v6());
    }

    TEST_CASE("what a killed process has left is found and removed") {
        const OwnNetwork network;
        if (!network) return;
        {
            open(v4_and_v6()).hold(60s, start);
        }

        auto addresses = open(v4_and_v6());
        CHECK(addresses.present()->size() == 3);
        CHECK(addresses.release(start).changed);
        CHECK(addresses.present()->empty());
    }

    TEST_CASE("nobody renews: the kernel removes them") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = open(v4_and_v6());
        addresses.hold(1s, start);

        CHECK(soon([&] { return addresses.present()->empty(); }));
    }

    TEST_CASE("a missing interface is named, and the other addresses are held") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = open({floating("10.9.9.100", 24, "eth7"), floating("10.9.9.101", 24)});

        const auto outcome = addresses.hold(60s, start);
        REQUIRE(outcome.problems.size() == 1);
        CHECK(outcome.problems[0].message ==
              "floating address 10.9.9.100/24 dev eth7: there is no such interface");
        CHECK(outcome.problems[0].hint == "`ip link` shows those of this machine");
        CHECK(addresses.present()->size() == 1);
        CHECK(addresses.release(start).problems.empty());
    }

    TEST_CASE("a change removes what is no more named, and holds the rest on") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = open(v4_and_v6());
        addresses.hold(60s, start);

        const auto outcome =
            addresses.change({floating("10.9.9.101", 24), floating("10.9.9.102", 24)}, start);
        CHECK(outcome.problems.empty());
        CHECK(addresses.present()->size() == 2);
        CHECK(open(v4_and_v6()).present()->size() == 1);

        addresses.release(start);
        addresses.change({floating("10.9.9.103", 24)}, start);
        CHECK(addresses.present()->empty());
    }

    TEST_CASE("as many as are allowed move in one call") {
        const OwnNetwork network;
        if (!network) return;
        std::vector<FloatingAddress> many;
        for (std::size_t i = 0; i < floating_addresses_max; ++i)
            many.push_back(floating(i % 2 == 0 ? "10.9.9.0" : "fd09::", i % 2 == 0 ? 24 : 64));
        for (std::size_t i = 0; i < many.size(); ++i)
            many[i].address.ip[15] = static_cast<std::uint8_t>(i + 1);
        auto addresses = open(many);

        CHECK(addresses.hold(60s, start).problems.empty());
        CHECK(addresses.present()->size() == many.size());
        CHECK(addresses.release(start).problems.empty());
        CHECK(addresses.present()->empty());
    }
}
