#include "l4/flow_table.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

constexpr HashKey secret{1, 2};

ClientKey key_of(std::uint32_t number) {
    ClientKey key;
    key.client = ip("10.0.0.0");
    key.client[13] = static_cast<std::uint8_t>(number >> 24);
    key.client[14] = static_cast<std::uint8_t>(number >> 16);
    key.client_port = static_cast<std::uint16_t>(number);
    key.protocol = protocol_tcp;
    return key;
}

const auto any = [](const Flow&) { return true; };

struct Table {
    explicit Table(std::size_t flows_max)
        : table(flows_max, secret, [this](Flow& flow) { ended.insert(flow.client_port); }) {
        table.advance(now);
    }
    void pass(std::chrono::milliseconds time) { table.advance(now += time); }

    std::multiset<std::uint16_t> ended;
    FlowTable table;
    FlowTable::Clock::time_point now{};
};

}  // namespace

TEST_CASE("l4 flow table: random insertions and removals agree with a map") {
    Table t(20'000);
    std::map<std::uint32_t, std::uint16_t> model;
    std::mt19937 random(5);
    for (int i = 0; i < 300'000; ++i) {
        const std::uint32_t number = random() % 30'000;
        Flow* found = t.table.find(key_of(number), any);
        const auto known = model.find(number);
        REQUIRE((found != nullptr) == (known != model.end()));
        if (found != nullptr) {
            REQUIRE(found->server == known->second);
            if (random() % 2 == 0) continue;
            t.table.erase(*found);
            model.erase(known);
        } else if (Flow* made = t.table.insert(key_of(number), FlowState::established, 10s)) {
            made->server = static_cast<std::uint16_t>(random());
            model.emplace(number, made->server);
        }
        REQUIRE(t.table.size() == model.size());
    }
    CHECK(t.ended.empty());
}

TEST_CASE("l4 flow table: a flow ends when it was silent for its life, and not before") {
    Table t(100);
    t.table.insert(key_of(1), FlowState::established, 900s);
    t.table.insert(key_of(2), FlowState::established, 2'000s);
    t.pass(899s);
    CHECK(t.ended.empty());
    t.table.touch(*t.table.find(key_of(1), any), FlowState::established, 900s);
    t.pass(899s);
    CHECK(t.ended.empty());
    t.pass(3s);
    CHECK(t.ended == std::multiset<std::uint16_t>{1});
    t.pass(300s);
    CHECK(t.ended == std::multiset<std::uint16_t>{1, 2});
    CHECK(t.table.size() == 0);
}

TEST_CASE("l4 flow table: a shorter life takes effect at once") {
    Table t(100);
    Flow* flow = t.table.insert(key_of(1), FlowState::established, 900s);
    t.table.touch(*flow, FlowState::closing, 20s);
    t.pass(22s);
    CHECK(t.table.size() == 0);
}

TEST_CASE("l4 flow table: full, the oldest half-open flow makes room, and no other ever does") {
    Table t(4);
    t.table.insert(key_of(1), FlowState::established, 900s);
    t.table.insert(key_of(2), FlowState::single, 300s);
    t.table.insert(key_of(3), FlowState::opening, 30s);
    t.table.insert(key_of(4), FlowState::opening, 30s);
    CHECK(t.table.half_open() == 3);
    CHECK(t.table.insert(key_of(5), FlowState::established, 900s) != nullptr);
    CHECK(t.ended == std::multiset<std::uint16_t>{3});
    CHECK(t.table.insert(key_of(6), FlowState::established, 900s) != nullptr);
    CHECK(t.table.insert(key_of(7), FlowState::established, 900s) != nullptr);
    CHECK(t.ended == std::multiset<std::uint16_t>{2, 3, 4});
    CHECK(t.table.insert(key_of(8), FlowState::opening, 30s) == nullptr);
    CHECK(t.table.find(key_of(1), any) != nullptr);
    CHECK(t.table.evictions() == 3);
}

TEST_CASE("l4 flow table: an established flow is out of the reach of a flood of SYNs") {
    Table t(1'000);
    Flow* mine = t.table.insert(key_of(77'777), FlowState::opening, 30s);
    t.table.touch(*mine, FlowState::established, 900s);
    for (std::uint32_t i = 0; i < 50'000; ++i)
        t.table.insert(key_of(1'000'000 + i), FlowState::opening, 30s);
    CHECK(t.table.size() == 1'000);
    CHECK(t.table.find(key_of(77'777), any) != nullptr);
}

TEST_CASE("l4 flow table: expiry works in parts") {
    Table t(10'000);
    for (std::uint32_t i = 0; i < 10'000; ++i)
        t.table.insert(key_of(i), FlowState::established, 5s);
    t.now += 7s;
    std::size_t before = t.table.size();
    while (t.table.size() != 0) {
        t.table.advance(t.now, 1'000);
        REQUIRE(before - t.table.size() <= 1'000);
        REQUIRE(t.table.size() < before);
        before = t.table.size();
    }
}

TEST_CASE("l4 flow table: a million flows in tens of bytes each") {
    Table t(1'000'000);
    for (std::uint32_t i = 0; i < 1'000'000; ++i)
        REQUIRE(t.table.insert(key_of(i), FlowState::established, 900s) != nullptr);
    CHECK(t.table.memory_bytes() / 1'000'000 < 100);
    for (std::uint32_t i = 0; i < 1'000'000; i += 997)
        REQUIRE(t.table.find(key_of(i), any) != nullptr);
}
