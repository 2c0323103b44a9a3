// Which flows go by the fast path, and what becomes of their places there.
#include "l4/fast_flows.hpp"

#include "tests/unit/l4/fast_path_fake.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace poise::l4;
using namespace poise::l4::test;

namespace {

std::array<FastDirection, 2> directions_of(std::uint16_t port) {
    std::array<FastDirection, 2> both{};
    both[0].key.source_port = port;
    both[0].way.flags = POISE_FAST_TO_SERVER | POISE_FAST_NAT;
    both[0].way.port = port;
    both[1].key.destination_port = port;
    both[1].way.flags = POISE_FAST_NAT;
    return both;
}

struct Round {
    std::vector<std::uint32_t> passed;
    std::vector<std::uint32_t> idle;
};

// A round of the clock, in its steps.
Round go_round(FastFlows& flows, FastFlows::Clock::time_point& now) {
    Round seen;
    for (int i = 0; i < 10; ++i) {
        now += FastFlows::round / 10;
        flows.look_around(
            now, [&](std::uint32_t flow, const FastPassed&) { seen.passed.push_back(flow); },
            [&](std::uint32_t flow) {
                seen.idle.push_back(flow);
                flows.remove(flow);
            });
    }
    return seen;
}

}  // namespace

TEST_CASE("l4 fast flows: both directions are there, and gone") {
    FakeFastPath path;
    FastFlows flows(&path);
    const auto both = directions_of(7);
    REQUIRE(flows.add(3, both));
    CHECK(path.size() == 2);
    REQUIRE(path.find(both[0].key) != nullptr);
    CHECK(path.find(both[0].key)->port == 7);
    path.find(both[0].key)->packets = 5;
    path.find(both[0].key)->bytes = 500;
    path.find(both[0].key)->acknowledged = 99;
    path.find(both[1].key)->packets = 4;
    path.find(both[1].key)->bytes = 400;
    const FastPassed passed = flows.remove(3);
    CHECK(passed.packets_in == 5);
    CHECK(passed.bytes_in == 500);
    CHECK(passed.acknowledged == 99);
    CHECK(passed.packets_out == 4);
    CHECK(passed.bytes_out == 400);
    CHECK(path.size() == 0);
    CHECK(flows.size() == 0);
}

TEST_CASE("l4 fast flows: a place is given anew only when a round has passed") {
    FakeFastPath path(2);
    FastFlows flows(&path);
    FastFlows::Clock::time_point now{std::chrono::hours{1}};
    REQUIRE(flows.add(1, directions_of(1)));
    REQUIRE(flows.add(2, directions_of(2)));
    CHECK_FALSE(flows.add(3, directions_of(3)));
    poise_fast_way& to_server = *path.find(directions_of(1)[0].key);
    poise_fast_way& to_client = *path.find(directions_of(1)[1].key);
    flows.remove(1);
    to_server.packets = to_client.packets = to_server.acknowledged = 9;  // the program was at it
    for (int round = 0; round < 2; ++round) {
        CHECK_FALSE(flows.add(3, directions_of(3)));
        go_round(flows, now);
    }
    CHECK(flows.add(3, directions_of(3)));
    CHECK(path.size() == 4);
    const FastPassed passed = flows.remove(3);
    CHECK_FALSE(passed.any());
    CHECK(passed.acknowledged == 0);
}

TEST_CASE("l4 fast flows: threads share the places") {
    FakeFastPath path(2);
    FastFlows one(&path);
    FastFlows other(&path);
    FastFlows::Clock::time_point now{std::chrono::hours{1}};
    REQUIRE(one.add(1, directions_of(1)));
    REQUIRE(other.add(1, directions_of(2)));  // flow numbers are a thread's own
    CHECK(path.valid().size() == 4);
    CHECK_FALSE(one.add(2, directions_of(3)));
    CHECK_FALSE(other.add(2, directions_of(3)));
    path.find(directions_of(2)[0].key)->packets = 7;
    one.remove(1);
    for (int round = 0; round < 2; ++round)
        go_round(one, now);
    CHECK(other.add(2, directions_of(3)));
    CHECK(other.remove(1).packets_in == 7);
}

TEST_CASE("l4 fast flows: when the kernel has no room nothing has changed") {
    for (const std::size_t puts : {0U, 1U}) {
        FakeFastPath path;
        FastFlows flows(&path);
        path.puts_left = puts;
        CHECK_FALSE(flows.add(1, directions_of(1)));
        CHECK(path.size() == 0);
        CHECK(flows.size() == 0);
        path.puts_left = 2;
        CHECK(flows.add(1, directions_of(1)));
    }
}

TEST_CASE("l4 fast flows: what is void comes back by its renewal alone") {
    FakeFastPath path;
    FastFlows flows(&path);
    const auto both = directions_of(1);
    REQUIRE(flows.add(1, both));
    path.find(both[0].key)->packets = 8;
    flows.invalidate();
    CHECK_FALSE(flows.is_current(1));
    CHECK(path.valid().empty());
    CHECK_FALSE(flows.renew(1, directions_of(2)));
    CHECK_FALSE(flows.renew(1, std::span(both).first(1)));
    CHECK(path.valid().empty());
    CHECK(flows.renew(1, both));
    CHECK(flows.is_current(1));
    CHECK(path.valid().size() == 2);
    CHECK(flows.remove(1).packets_in == 8);  // the count has not suffered
}

TEST_CASE("l4 fast flows: each round tells who was busy, and in the end who rests") {
    FakeFastPath path(64);
    FastFlows flows(&path);
    FastFlows::Clock::time_point now{std::chrono::hours{1}};
    for (std::uint16_t i = 0; i < 30; ++i)
        REQUIRE(flows.add(i, directions_of(i)));
    poise_fast_way* const busy = path.find(directions_of(4)[0].key);
    for (unsigned round = 1; round < FastFlows::idle_rounds_max; ++round) {
        busy->packets = 1;
        const Round seen = go_round(flows, now);
        CHECK(seen.passed == std::vector<std::uint32_t>{4});
        CHECK(seen.idle.empty());
    }
    busy->packets = 1;
    CHECK(go_round(flows, now).idle.size() == 29);
    CHECK(flows.size() == 1);
    CHECK(path.size() == 2);
}

TEST_CASE("l4 fast flows: without a path there is none") {
    FastFlows flows(nullptr);
    CHECK_FALSE(flows.available());
    flows.invalidate();
    FastFlows::Clock::time_point now{std::chrono::hours{1}};
    CHECK(go_round(flows, now).passed.empty());
}
