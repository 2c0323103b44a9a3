// An engine to which nothing comes sleeps longer, and nobody notices.
#include "base/engine.hpp"
#include "tests/unit/base/both_ways.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

using namespace poise;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

long sleeps_of_this_thread() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

Task<void> sleep_and_end(Engine* engine, std::chrono::milliseconds limit, Clock::time_point* woke) {
    Waiter waiter(*engine);
    waiter.expires_after(limit);
    co_await waiter.sleep();
    *woke = Clock::now();
    engine->cancel_all();
}

// When its descriptor is readable something gets a time limit, within the handing out of events.
struct Starter final : Pollable, DeadlineWheel::Entry {
    Starter(Engine& engine, int fd) : Pollable(engine, fd, Direction::none, Direction::read) {}
    Clock::time_point set_at, expired_at;

private:
    void on_ready() override {
        not_readable();
        set_at = Clock::now();
        engine().expires_after(*this, 500ms);
    }
    void on_expiry() override {
        expired_at = Clock::now();
        engine().post([this] { engine().cancel_all(); });
    }
};

Task<void> wait_for_the_end(Engine* engine) {
    Waiter waiter(*engine);
    waiter.expires_after(1h);
    co_await waiter.sleep();
}

}  // namespace

TEST_SUITE("base/rest") {
    TEST_CASE_TEMPLATE("an engine at rest wakes for what is due only", By, ByEpoll, ByRing) {
        const auto began = Clock::now();
        Engine engine(By::kind);
        Clock::time_point woke;
        engine.spawn(sleep_and_end, &engine, 1'500ms, &woke);
        const auto before = sleeps_of_this_thread();
        engine.run();
        CHECK(woke - began >= 1'500ms);
        // With a tick each 100 ms they were 16.
        CHECK(sleeps_of_this_thread() - before <= 8);
        CHECK(engine.running() == 0);
    }

    TEST_CASE_TEMPLATE("a limit that is set when the rest ends counts from then", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Clock::time_point woke;
        Clock::time_point set_at;
        engine.spawn(wait_for_the_end, &engine);
        std::jthread other([&] {
            std::this_thread::sleep_for(700ms);  // into a long sleep
            engine.post([&] {
                set_at = Clock::now();
                engine.spawn(sleep_and_end, &engine, 500ms, &woke);
            });
        });
        engine.run();
        CHECK(woke - set_at >= 400ms);
        CHECK(engine.running() == 0);
    }

    TEST_CASE_TEMPLATE("a short limit does not wait for the end of a long sleep", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Clock::time_point woke;
        Clock::time_point set_at;
        int rests_ended = 0;
        engine.on_end_of_rest = [&] { ++rests_ended; };
        engine.spawn(wait_for_the_end, &engine);
        std::jthread other([&] {
            std::this_thread::sleep_for(300ms);  // the long sleep begins at 200 ms
            engine.post([&] {
                set_at = Clock::now();
                engine.spawn(sleep_and_end, &engine, 50ms, &woke);
            });
        });
        engine.run();
        CHECK(woke - set_at <
              700ms);  // 200 at most; 900 with the tick that the sleep was to end at
        CHECK(rests_ended == 1);
    }

    TEST_CASE_TEMPLATE("so does one that an event sets while it is handed out", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        REQUIRE(fd >= 0);
        Starter starter(engine, fd);
        engine.spawn(wait_for_the_end, &engine);
        std::jthread other([&] {
            std::this_thread::sleep_for(700ms);
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
        });
        engine.run();
        CHECK(starter.expired_at - starter.set_at >= 400ms);
    }

    TEST_CASE_TEMPLATE("an engine at rest that is told to end does so", By, ByEpoll, ByRing) {
        Engine engine(By::kind);
        engine.spawn(wait_for_the_end, &engine);
        std::jthread other([&] {
            std::this_thread::sleep_for(400ms);
            engine.post([&] { engine.cancel_all(); });
        });
        engine.run();
        CHECK(engine.running() == 0);
    }
}
