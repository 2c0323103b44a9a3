// The ring's memory for what comes: it grows with what is needed, and goes back when that is over.
#include "base/receive_blocks.hpp"

#include "base/engine.hpp"
#include "base/ring.hpp"
#include "tests/unit/base/both_ways.hpp"
#include "tests/unit/base/connection.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <vector>

using namespace poise;

namespace {

constexpr std::size_t blocks_max = 1024, many = 100;

std::size_t resident_blocks(const ReceiveBlocks& blocks) {
    std::array<unsigned char, blocks_max> pages;
    auto* memory = const_cast<char*>(blocks.at(0));
    REQUIRE(::mincore(memory, blocks_max * ReceiveBlocks::bytes, pages.data()) == 0);
    std::size_t count = 0;
    for (const auto page : pages)
        count += page & 1U;
    return count;
}

void sweep_often(Engine& engine) {
    for (int i = 0; i < 200; ++i)
        engine.sweep();
}

// All peers speak, then all are read: until then each message holds a block.
Task<void> hear_all(Waiter& waiter, std::vector<std::unique_ptr<Connection>>& connections) {
    for (const auto& c : connections)
        c->peer_says("all at once");
    co_await pass(waiter, 10);
    for (const auto& c : connections)
        CHECK(co_await read_all(waiter, *c->stream, 11) == "all at once");
    for (const auto& c : connections)
        CHECK(c->stream->quiet());
    co_await pass(waiter);
}

}  // namespace

TEST_SUITE("base/receive_blocks") {
    TEST_CASE("a burst's memory goes back while nothing comes, and what comes next is whole") {
        Engine engine(ByRing::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            Engine& engine = waiter.engine();
            const auto& blocks = engine.events().ring()->blocks();
            CHECK(blocks.lent() == ReceiveBlocks::first);
            std::vector<std::unique_ptr<Connection>> connections;
            for (std::size_t i = 0; i < many; ++i)
                connections.push_back(std::make_unique<Connection>(engine));
            for (int i = 0; i < 5; ++i)
                co_await hear_all(waiter, connections);
            CHECK(blocks.lent() >= many);
            CHECK(resident_blocks(blocks) >= many);

            sweep_often(engine);
            CHECK(resident_blocks(blocks) == 0);

            for (int i = 0; i < 1'000; ++i) {  // and is not taken into use again by a trickle
                c.peer_says("on");
                CHECK(co_await read_all(waiter, *c.stream, 2) == "on");
                if (i % 10 == 0) engine.sweep();
            }
            CHECK(blocks.lent() == ReceiveBlocks::first);
            engine.sweep();
            CHECK(resident_blocks(blocks) <= ReceiveBlocks::first);
            co_await hear_all(waiter, connections);
            CHECK(blocks.lent() > ReceiveBlocks::first);
        });
    }

    TEST_CASE("what is held stays as it came, however often memory goes back") {
        Engine engine(ByRing::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection&) -> Task<void> {
            Engine& engine = waiter.engine();
            std::vector<std::unique_ptr<Connection>> connections;
            for (std::size_t i = 0; i < many; ++i)
                connections.push_back(std::make_unique<Connection>(engine));
            for (int i = 0; i < 5; ++i)
                co_await hear_all(waiter, connections);
            for (std::size_t i = 0; i < many; i += 2)
                connections[i]->peer_says("held " + std::to_string(i));
            co_await pass(waiter, 10);
            sweep_often(engine);
            for (std::size_t i = 1; i < many; i += 2) {
                connections[i]->peer_says("passing");
                CHECK(co_await read_all(waiter, *connections[i]->stream, 7) == "passing");
                engine.sweep();
            }
            for (std::size_t i = 0; i < many; i += 2) {
                const std::string held = "held " + std::to_string(i);
                CHECK(co_await read_all(waiter, *connections[i]->stream, held.size()) == held);
            }
        });
    }
}
