#include "base/engine.hpp"

#include "base/tcp_stream.hpp"
#include "tests/unit/base/both_ways.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

using namespace poise;
using namespace std::chrono_literals;

namespace {

struct Ends {
    std::unique_ptr<Stream> stream;
    int peer = -1;
    ~Ends() { ::close(peer); }
};

Ends connected(Engine& engine) {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    return {std::make_unique<TcpStream>(engine, fds[0], Direction::write), fds[1]};
}

struct Outcome {
    Wake why = Wake::ready;
    std::string read;
    bool ended = false;
};

Task<void> read_once(Engine* engine, Stream* stream, std::chrono::milliseconds limit,
                     Outcome* outcome) {
    Waiter waiter(*engine);
    waiter.expires_after(limit);
    std::array<char, 64> buffer{};
    for (;;) {
        const auto got = stream->try_read(buffer);
        if (got.state == Io::would_block) {
            stream->want(waiter, Direction::read);
            outcome->why = co_await waiter.sleep();
            if (outcome->why != Wake::ready) break;
            continue;
        }
        outcome->read.assign(buffer.data(), got.bytes);
        break;
    }
    outcome->ended = true;
    stream->want_nothing();
    engine->stop();
}

// Does what it is handed, one piece after the other.
struct Runner {
    explicit Runner(Engine& engine) : waiter(engine) {}
    Waiter waiter;
    std::string work;
    std::string done;
};

Task<void> run_work(Runner* runner) {
    runner->waiter.expires_after(1min);
    while (co_await runner->waiter.sleep() != Wake::cancelled)
        runner->done += std::exchange(runner->work, "");
    runner->waiter.engine().stop();
}

Task<void> hand_work(Engine* engine, Runner* runner) {
    runner->work = "a";
    runner->waiter.resume_now();
    runner->done += "|";
    runner->waiter.wake();  // its turn has come already when it is handed more
    runner->work = "b";
    runner->waiter.resume_now();
    runner->done += "|";
    Waiter waiter(*engine);
    waiter.expires_after(1min);
    co_await waiter.yield();  // no second turn for the wake before
    runner->done += ".";
    engine->cancel_all();
}

// Waits without a coroutine, and is gone when it was called.
struct Parked {
    explicit Parked(Engine& engine) : waiter(engine) {}
    Waiter waiter;
};

void park(Engine& engine, Stream& stream, std::chrono::milliseconds limit, Outcome& outcome) {
    auto* parked = new Parked(engine);
    parked->waiter.expires_after(limit);
    stream.want(parked->waiter, Direction::read);
    parked->waiter.sleep_then([parked, &outcome](Wake why) {
        outcome.why = why;
        outcome.ended = true;
        parked->waiter.engine().stop();
        delete parked;
    });
}

Task<void> throw_something(Engine* engine) {
    engine->stop();
    throw std::runtime_error("out of cheese");
    co_return;
}

Task<void> end_at_once(int* ended) {
    ++*ended;
    co_return;
}

// What the engine tells of a descriptor, counted.
struct Told final : Pollable {
    using Pollable::Pollable;
    int times = 0;

private:
    void on_ready() override { ++times; }
};

// Has a time limit and no coroutine.
struct Timed final : DeadlineWheel::Entry {
    explicit Timed(Engine& to) : engine(to) {}
    Engine& engine;
    bool expired = false;

private:
    void on_expiry() override {
        expired = true;
        engine.stop();
    }
};

// Over several ticks, which is when Asio's own queue is looked at.
Task<void> spawn_short_ones(Engine* engine, int* ended) {
    Waiter waiter(*engine);
    for (int i = 0; i < 6; ++i) {
        for (int n = 0; n < 5; ++n)
            engine->spawn(end_at_once, ended);
        waiter.expires_after(1ms);
        co_await waiter.sleep();
    }
    engine->stop();
}

}  // namespace

TEST_SUITE("base/engine") {
    TEST_CASE_TEMPLATE("a sleeper wakes when its stream has bytes", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        auto ends = connected(engine);
        Outcome outcome;
        engine.spawn(read_once, &engine, ends.stream.get(), 60s, &outcome);
        engine.post([&] { REQUIRE(::write(ends.peer, "hello", 5) == 5); });
        engine.run();
        CHECK(outcome.read == "hello");
        CHECK(engine.running() == 0);
    }

    TEST_CASE_TEMPLATE("a sleeper wakes when its time is up", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        auto ends = connected(engine);
        Outcome outcome;
        engine.spawn(read_once, &engine, ends.stream.get(), 1ms, &outcome);
        engine.run();
        CHECK(outcome.why == Wake::timed_out);
        CHECK(engine.running() == 0);
    }

    TEST_CASE_TEMPLATE("cancel_all ends every sleeper", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        auto ends = connected(engine);
        Outcome outcome;
        engine.spawn(read_once, &engine, ends.stream.get(), 60s, &outcome);
        engine.post([&] { engine.cancel_all(); });
        engine.run();
        CHECK(outcome.why == Wake::cancelled);
    }

    TEST_CASE_TEMPLATE("a sleeper that is handed work does it at once, and once", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Runner runner(engine);
        engine.spawn(run_work, &runner);
        engine.spawn(hand_work, &engine, &runner);
        engine.run();
        CHECK(runner.done == "a|b|.");
        CHECK(engine.running() == 0);
    }

    TEST_CASE_TEMPLATE("a sleeper without a coroutine is called when its stream has bytes", By,
                       ByEpoll, ByRing) {
        Engine engine(By::kind);
        auto ends = connected(engine);
        Outcome outcome;
        outcome.why = Wake::timed_out;
        park(engine, *ends.stream, 60s, outcome);
        engine.post([&] { REQUIRE(::write(ends.peer, "hello", 5) == 5); });
        engine.run();
        CHECK(outcome.ended);
        CHECK(outcome.why == Wake::ready);
    }

    TEST_CASE_TEMPLATE("a sleeper without a coroutine is called when its time is up", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        auto ends = connected(engine);
        Outcome outcome;
        park(engine, *ends.stream, 1ms, outcome);
        engine.run();
        CHECK(outcome.why == Wake::timed_out);
    }

    TEST_CASE_TEMPLATE("a cancelled engine runs until the sleepers without a coroutine were called",
                       By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        auto ends = connected(engine);
        std::array<Outcome, 3> outcomes;
        for (Outcome& outcome : outcomes)
            park(engine, *ends.stream, 60s, outcome);
        ends.stream->want_nothing();
        engine.post([&] { engine.cancel_all(); });
        engine.run();
        for (const Outcome& outcome : outcomes) {
            CHECK(outcome.ended);
            CHECK(outcome.why == Wake::cancelled);
        }
    }

    TEST_CASE_TEMPLATE("what has no coroutine expires, too", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        Timed timed(engine);
        engine.expires_after(timed, 5ms);
        engine.run();
        CHECK(timed.expired);
    }

    // A datagram socket has a write event for each datagram that leaves it.
    TEST_CASE_TEMPLATE("events that nobody watches are not told", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
        Told told(engine, fds[0], Direction::none, Direction::read);
        Timed timed(engine);
        SUBCASE("not that there is room") {
            engine.expires_after(timed, 5ms);
            engine.run();
            CHECK(told.times == 0);
            CHECK_FALSE(told.writable());
        }
        SUBCASE("but that a datagram is there, be it an empty one") {
            REQUIRE(::send(fds[1], "", 0, 0) == 0);
            engine.expires_after(timed, 5ms);
            engine.run();
            CHECK(told.times == 1);
            CHECK(told.readable());
        }
        ::close(fds[1]);
    }

    TEST_CASE_TEMPLATE("a listener that is gone when the loop ends takes no more connections", By,
                       ByEpoll, ByRing) {
        Engine engine(By::kind);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof name;
        auto* address = reinterpret_cast<sockaddr*>(&name);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        REQUIRE(::bind(fd, address, length) == 0);
        REQUIRE(::getsockname(fd, address, &length) == 0);
        REQUIRE(::listen(fd, 8) == 0);
        auto listener = std::make_unique<Told>(engine, fd, Direction::none, Direction::read);
        Timed timed(engine);
        engine.expires_after(timed, 5ms);
        engine.run();
        engine.stop();
        engine.post([&] { listener.reset(); });  // in its last turn
        engine.run();
        const int client = ::socket(AF_INET, SOCK_STREAM, 0);
        CHECK(::connect(client, address, length) != 0);
        ::close(client);
    }

    TEST_CASE_TEMPLATE("what a task throws ends that task alone and is reported", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        std::string said;
        engine.on_exception = [&](const std::string& what) { said = what; };
        engine.spawn(throw_something, &engine);
        engine.run();
        CHECK(said == "out of cheese");
    }

    TEST_CASE_TEMPLATE("tasks that end without ever sleeping are counted down and forgotten", By,
                       ByEpoll, ByRing) {
        Engine engine(By::kind);
        int ended = 0;
        engine.spawn(spawn_short_ones, &engine, &ended);
        engine.run();
        CHECK(ended == 30);
        CHECK(engine.running() == 0);
    }
}
