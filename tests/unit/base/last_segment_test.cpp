// By a ring: what one turn of the loop writes goes out together, and the end with it.
#include "base/engine.hpp"
#include "base/socket_stream.hpp"
#include "tests/unit/base/both_ways.hpp"
#include "tests/unit/base/connection.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <linux/tcp.h>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>

using namespace poise;
using namespace std::chrono_literals;

namespace {

// That have come to the peer, with those that carry nothing.
std::uint32_t segments_of(const Connection& c) {
    tcp_info info{};
    socklen_t length = sizeof info;
    REQUIRE(::getsockopt(c.peer, IPPROTO_TCP, TCP_INFO, &info, &length) == 0);
    return info.tcpi_segs_in;
}

}  // namespace

TEST_SUITE("base/last_segment") {
    TEST_CASE("a stream that ends with its last words takes one segment") {
        Engine engine(ByRing::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const auto before = segments_of(c);
            CHECK(write_text(*c.stream, "last words").ok());
            c.stream.reset();
            co_await pass(waiter);
            CHECK(segments_of(c) - before == 1);
            CHECK(c.peer_hears() == "last words|");
        });
    }

    TEST_CASE("so does one that only sends no more, and it is still told of the peer's") {
        Engine engine(ByRing::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const auto before = segments_of(c);
            CHECK(write_text(*c.stream, "over ").ok());
            CHECK(write_text(*c.stream, "and out").ok());
            c.stream->shutdown_send();
            co_await pass(waiter);
            CHECK(segments_of(c) - before == 1);
            CHECK(c.peer_hears() == "over and out|");
            c.peer_says("heard");
            CHECK(co_await read_all(waiter, *c.stream, 5) == "heard");
            CHECK_FALSE(write_text(*c.stream, "too late").state == Io::would_block);
        });
    }

    TEST_CASE("several small writes of a turn take one, as many as there is room for") {
        Engine engine(ByRing::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            auto before = segments_of(c);
            for (const char* word : {"one ", "two ", "three"})
                CHECK(write_text(*c.stream, word).ok());
            co_await pass(waiter);
            CHECK(segments_of(c) - before == 1);
            CHECK(c.peer_hears(20ms) == "one two three");

            std::string sent;
            before = segments_of(c);
            for (int i = 0; i < 30; ++i) {  // more than a send holds
                sent += pattern(1'000);
                CHECK(write_text(*c.stream, pattern(1'000)).bytes == 1'000);
            }
            co_await pass(waiter);
            CHECK(segments_of(c) - before <= 8);
            CHECK(c.peer_hears(20ms) == sent);
        });
    }

    TEST_CASE_TEMPLATE("a cut stays a cut while bytes wait for the peer", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine, 4'096);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            while (write_text(*c.stream, pattern(1'000)).ok())
                co_await pass(waiter, 1);
            c.stream->reset_on_close();
            c.stream.reset();
            // It reads at once, so that nothing keeps an end back that would be sent.
            std::string heard;
            for (int i = 0; i < 200 && !heard.ends_with('!') && !heard.ends_with('|'); ++i) {
                heard += c.peer_hears(0ms);
                co_await pass(waiter, 1);
            }
            CHECK(heard.ends_with('!'));
        });
    }

    TEST_CASE_TEMPLATE("last words arrive although the peer has said something that nobody reads",
                       By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            c.peer_says(pattern(10'000));
            co_await pass(waiter);
            CHECK(write_text(*c.stream, "last words").ok());
            c.stream.reset();
            co_await pass(waiter);
            CHECK(c.peer_hears().starts_with("last words"));
        });
    }
}
