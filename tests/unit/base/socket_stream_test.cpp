#include "base/socket_stream.hpp"

#include "base/engine.hpp"
#include "base/pipe.hpp"
#include "tests/unit/base/both_ways.hpp"
#include "tests/unit/base/connection.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace poise;
using namespace std::chrono_literals;

TEST_SUITE("base/socket_stream") {
    TEST_CASE_TEMPLATE("bytes come as they were sent, in small reads and large", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const std::string sent = pattern(100'000);
            c.peer_says(sent);
            std::string got = co_await read_all(waiter, *c.stream, 10, 10);
            got += co_await read_all(waiter, *c.stream, 4'090, 4'090);
            got += co_await read_all(waiter, *c.stream, 20'000, 100);
            got += co_await read_all(waiter, *c.stream, 100'000 - got.size(), 65'536);
            CHECK(got == sent);
            CHECK(c.stream->quiet());
            c.peer_says("more");
            CHECK(co_await read_all(waiter, *c.stream, 4) == "more");
        });
    }

    TEST_CASE_TEMPLATE("small and large writes arrive in order, and the end behind them", By,
                       ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const std::string large = pattern(20'000);
            CHECK(write_text(*c.stream, "one").bytes == 3);
            CHECK(write_text(*c.stream, "two").bytes == 3);
            co_await write_all(waiter, *c.stream, large);
            CHECK(write_text(*c.stream, "three").bytes == 5);
            c.stream->shutdown_send();
            co_await pass(waiter);
            CHECK(c.peer_hears() == "onetwo" + large + "three|");
            c.peer_says("still heard");
            CHECK(co_await read_all(waiter, *c.stream, 11) == "still heard");
        });
    }

    TEST_CASE_TEMPLATE("what was written arrives although the stream is gone at once", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            CHECK(write_text(*c.stream, "last words").ok());
            c.stream.reset();
            co_await pass(waiter);
            CHECK(c.peer_hears() == "last words|");
        });
    }

    TEST_CASE_TEMPLATE("also when the peer takes them later", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine, 4'096);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            // Small pieces until the socket is full.
            std::size_t written = 0;
            const std::string piece = pattern(1'000);
            for (int i = 0; i < 100'000; ++i) {
                const auto result = write_text(*c.stream, piece);
                written += result.bytes;
                if (!result.ok()) break;
                co_await pass(waiter, 1);
            }
            CHECK_FALSE(c.stream->writable());
            c.stream.reset();
            co_await pass(waiter);
            std::string heard;
            for (int i = 0; i < 200 && !heard.ends_with('|'); ++i) {
                heard += c.peer_hears(1ms);
                co_await sleep_for(waiter, 1ms);
            }
            CHECK(heard.size() == written + 1);
            CHECK(heard.ends_with('|'));
        });
    }

    TEST_CASE_TEMPLATE("also when the loop has ended by then", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine, 4'096);
        static std::size_t written;
        static std::future<std::string> heard;
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const std::string piece = pattern(1'000);
            bool took = true;
            for (written = 0; took; co_await pass(waiter, 1)) {
                const auto result = write_text(*c.stream, piece);
                written += result.bytes;
                took = result.ok();
            }
            c.stream.reset();
            // By a ring the last piece is in user space still; the loop ends after this.
            heard = std::async(std::launch::async, [&c] {
                std::this_thread::sleep_for(50ms);
                return c.peer_hears(5s);
            });
        });
        const std::string text = heard.get();
        CHECK(text.size() == written + 1);
        CHECK(text.ends_with('|'));
    }

    TEST_CASE_TEMPLATE("a full socket is writable again when the peer has read", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine, 4'096);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            std::string sent;
            for (std::size_t size = 1; size < 100'000; size += 997) {
                const std::string piece = pattern(size % 5'000 + 1);
                const auto written = write_text(*c.stream, piece);
                sent.append(piece, 0, written.bytes);
                co_await pass(waiter, 1);
                if (written.ok()) continue;
                c.stream->want(waiter, Direction::write);
                std::string heard = c.peer_hears(1ms);
                CHECK(sent.starts_with(heard));
                sent.erase(0, heard.size());
                REQUIRE(co_await waiter.sleep() == Wake::ready);
            }
            CHECK(sent == c.peer_hears());
        });
    }

    TEST_CASE_TEMPLATE("a stream that is to be cut ends with a reset", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            c.stream->reset_on_close();
            c.stream.reset();
            co_await pass(waiter);
            CHECK(c.peer_hears() == "!");
        });
    }

    TEST_CASE_TEMPLATE("the peer's end is heard of, whether anybody reads or not", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            CHECK(c.stream->quiet());
            co_await pass(waiter);
            CHECK(c.stream->quiet());
            CHECK(::shutdown(c.peer, SHUT_WR) == 0);
            co_await pass(waiter);
            CHECK_FALSE(c.stream->quiet());
            CHECK(c.stream->hung_up());
            CHECK(co_await read_all(waiter, *c.stream, 1) == "|");
            CHECK(write_text(*c.stream, "but I do").ok());
            co_await pass(waiter);
            CHECK(c.peer_hears(20ms) == "but I do");
        });
    }

    TEST_CASE_TEMPLATE("a reset wakes who waits for nothing else", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            c.stream->want(waiter, Direction::none);
            co_await pass(waiter);
            const linger now{1, 0};
            ::setsockopt(c.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            ::close(std::exchange(c.peer, -1));
            c.stream->want(waiter, Direction::none);
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(c.stream->broken());
            CHECK(co_await read_all(waiter, *c.stream, 1) == "!");
            CHECK(write_text(*c.stream, "lost").state == Io::failed);
        });
    }

    TEST_CASE_TEMPLATE("waiting for a peer that has ended and reads slowly costs nothing", By,
                       ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine, 4'096);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            CHECK(::shutdown(c.peer, SHUT_WR) == 0);
            CHECK(co_await read_all(waiter, *c.stream, 1) == "|");
            std::size_t written = 0;
            const std::string piece = pattern(10'000);
            while (true) {
                const auto result = write_text(*c.stream, piece);
                written += result.bytes;
                if (!result.ok()) break;
            }
            for (const Direction wanted : {Direction::write, Direction::none}) {
                const auto before = cpu_time();
                c.stream->want(waiter, wanted);
                co_await sleep_for(waiter, 300ms);
                CHECK(cpu_time() - before < 100ms);
            }
            c.stream->want(waiter, Direction::write);
            CHECK(c.peer_hears(20ms).size() == written);
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(c.stream->writable());
            const linger now{1, 0};
            ::setsockopt(c.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            ::close(std::exchange(c.peer, -1));
            c.stream->want(waiter, Direction::none);
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(c.stream->broken());
        });
    }

    TEST_CASE_TEMPLATE("waiting with what a peer sent before its end costs nothing", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            c.peer_says("the next request");
            c.stream->want(waiter, Direction::read);
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(::shutdown(c.peer, SHUT_WR) == 0);
            const auto before = cpu_time();
            c.stream->want(waiter, Direction::none);
            co_await sleep_for(waiter, 300ms);
            CHECK(cpu_time() - before < 100ms);
            CHECK(co_await read_all(waiter, *c.stream, 100) == "the next request|");
        });
    }

    TEST_CASE_TEMPLATE("what has come before a reset was asked for is not mixed up", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            c.peer_says("unread");
            c.stream->want(waiter, Direction::read);
            CHECK(co_await waiter.sleep() == Wake::ready);
            c.stream->want(waiter, Direction::none);  // holds bytes, and waits for a break
            const linger now{1, 0};
            ::setsockopt(c.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            ::close(std::exchange(c.peer, -1));
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(c.stream->broken());
        });
    }

    TEST_CASE_TEMPLATE("who waited for more than he waits for now is woken by that", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine, 4'096);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            auto pipe = Pipe::open();
            REQUIRE(pipe != nullptr);
            const std::string large = pattern(65'536);
            while (write_text(*c.stream, large).ok()) {
            }
            CHECK(c.stream->try_read(*pipe, 100).state == Io::would_block);
            c.peer_says("x");
            c.stream->want(waiter, Direction::read);
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(c.stream->try_read(*pipe, 100).bytes == 1);
            pipe = Pipe::open();
            CHECK(c.stream->try_read(*pipe, 100).state == Io::would_block);
            c.stream->want(waiter, Direction::both);
            co_await pass(waiter);
            c.stream->want(waiter, Direction::read);
            c.peer_hears(20ms);  // there is room to write now, which nobody waits for
            co_await pass(waiter);
            c.peer_says("more");
            waiter.expires_after(2s);
            CHECK(co_await waiter.sleep() == Wake::ready);
            CHECK(c.stream->try_read(*pipe, 100).bytes == 4);
        });
    }

    TEST_CASE_TEMPLATE("bytes go through a pipe behind those that were read", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            const std::string sent = pattern(300'000);
            auto pipe = Pipe::open();
            REQUIRE(pipe != nullptr);
            std::size_t said = 0;
            std::string got;
            for (int i = 0; got.size() < sent.size() && i < 10'000; ++i) {
                if (said < sent.size() && i % 2 == 0) {
                    c.peer_says(sent.substr(said, 30'000));
                    said += 30'000;
                }
                if (i == 0) got += co_await read_all(waiter, *c.stream, 100, 100);
                const auto moved = c.stream->try_read(*pipe, sent.size());
                if (moved.state == Io::would_block) {
                    c.stream->want(waiter, Direction::read);
                    if (said == sent.size()) REQUIRE(co_await waiter.sleep() == Wake::ready);
                    continue;
                }
                REQUIRE(moved.ok());
                std::string room(moved.bytes, ' ');
                REQUIRE(::read(pipe->out(), room.data(), room.size()) ==
                        static_cast<ssize_t>(room.size()));
                pipe->removed(room.size());
                got += room;
            }
            CHECK(got == sent);
            CHECK(c.stream->quiet());
            c.peer_says("and on");
            CHECK(co_await read_all(waiter, *c.stream, 6) == "and on");
        });
    }

    TEST_CASE_TEMPLATE("a pipe's bytes go out behind those of a small write", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& c) -> Task<void> {
            auto pipe = Pipe::open();
            REQUIRE(pipe != nullptr);
            REQUIRE(::write(pipe->in(), "behind", 6) == 6);
            pipe->added(6);
            CHECK(write_text(*c.stream, "in front, ").ok());
            CHECK(c.stream->try_write(*pipe).bytes == 6);
            co_await pass(waiter);
            CHECK(c.peer_hears(20ms) == "in front, behind");
        });
    }

    TEST_CASE_TEMPLATE("hundreds of sockets that have something at once all get it", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        std::vector<std::unique_ptr<Connection>> connections;
        for (int i = 0; i < 300; ++i)
            connections.push_back(std::make_unique<Connection>(engine));
        static std::vector<std::unique_ptr<Connection>>* all = nullptr;
        all = &connections;
        run(engine, *connections.front(), [](Waiter& waiter, Connection&) -> Task<void> {
            const std::string question = pattern(3'000);
            co_await pass(waiter);
            for (int round = 0; round < 3; ++round) {
                for (const auto& c : *all)
                    c->peer_says(question);
                for (const auto& c : *all)
                    CHECK(co_await read_all(waiter, *c->stream, 3'000, 4'096) == question);
                for (const auto& c : *all)
                    CHECK(write_text(*c->stream, "answer").ok());
                co_await pass(waiter);
                for (const auto& c : *all)
                    CHECK(c->peer_hears(1ms) == "answer");
            }
        });
    }

    TEST_CASE_TEMPLATE("a descriptor's number that was closed is another's at once", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection connection(engine);
        run(engine, connection, [](Waiter& waiter, Connection& first) -> Task<void> {
            first.stream->want(waiter, Direction::read);
            co_await pass(waiter);
            first.stream.reset();  // its receive is in flight
            co_await pass(waiter);
            for (int i = 0; i < 20; ++i) {
                Connection next(waiter.engine());
                CHECK(write_text(*next.stream, "hello").ok());
                next.peer_says("world");
                CHECK(co_await read_all(waiter, *next.stream, 5) == "world");
                CHECK(next.peer_hears(1ms) == "hello");
            }
            CHECK(first.peer_hears() == "|");
        });
    }
}
