// Sockets that have had small messages for a while: one receive of the ring brings them all.
#include "base/engine.hpp"
#include "base/socket_stream.hpp"
#include "tests/unit/base/both_ways.hpp"
#include "tests/unit/base/connection.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <linux/sockios.h>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

using namespace poise;

namespace {

Task<void> exchange_small(Waiter& waiter, Connection& c, int times) {
    for (int i = 0; i < times; ++i) {
        const std::string said = "message " + std::to_string(i);
        c.peer_says(said);
        CHECK(co_await read_all(waiter, *c.stream, said.size()) == said);
        CHECK(c.stream->quiet());
    }
}

}  // namespace

TEST_SUITE("base/repeated_receive") {
    TEST_CASE_TEMPLATE("after many small messages a large one comes whole, read at once or late",
                       By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const std::string large = pattern(100'000);
            for (int round = 0; round < 5; ++round) {
                co_await exchange_small(waiter, c, 20);
                c.peer_says(large);
                if (round % 2 == 0) co_await pass(waiter, 10);
                CHECK(co_await read_all(waiter, *c.stream, large.size(), 5'000) == large);
                CHECK(c.stream->quiet());
            }
            co_await exchange_small(waiter, c, 20);
            for (const char* word : {"one", "two", "three"}) {
                c.peer_says(word);
                co_await pass(waiter, 2);
            }
            CHECK(co_await read_all(waiter, *c.stream, 11, 2) == "onetwothree");
            co_await exchange_small(waiter, c, 20);
            c.peer_says("last");
            ::shutdown(c.peer, SHUT_WR);
            co_await pass(waiter);
            CHECK(co_await read_all(waiter, *c.stream, 100) == "last|");
        });
    }

    TEST_CASE_TEMPLATE("who does not read after many small messages holds little", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            co_await exchange_small(waiter, c, 20);
            const std::string large = pattern(400'000);
            std::size_t sent = 0;
            for (; sent < large.size(); co_await pass(waiter, 1)) {
                const auto n =
                    ::send(c.peer, &large[sent], std::min<std::size_t>(large.size() - sent, 10'000),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0) break;
                sent += static_cast<std::size_t>(n);
            }
            co_await pass(waiter, 10);
            int with_us = 0;
            int unsent = 0;
            REQUIRE(::ioctl(c.stream->fd(), FIONREAD, &with_us) == 0);
            REQUIRE(::ioctl(c.peer, SIOCOUTQNSD, &unsent) == 0);
            const auto held = sent - static_cast<std::size_t>(with_us + unsent);
            CHECK(held <= 40 * 4'096);
            CHECK(sent > 2 * 40 * 4'096);
            CHECK(co_await read_all(waiter, *c.stream, sent) == large.substr(0, sent));
        });
    }

    TEST_CASE_TEMPLATE("a stream that moves or ends after many small messages loses nothing", By,
                       ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            co_await exchange_small(waiter, c, 20);
            c.peer_says(pattern(30'000));
            co_await pass(waiter, 3);
            c.stream.reset();  // with blocks in it
            co_await pass(waiter, 10);
            Connection other(waiter.engine());
            std::swap(other.stream, c.stream);
            std::swap(other.peer, c.peer);
            co_await exchange_small(waiter, c, 20);
        });
    }
}
