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

struct Expiring final : DeadlineWheel::Entry {
    bool expired = false;

private:
    void on_expiry() override { expired = true; }
};

// Somebody else sets a limit during a long sleep, which begins after 200 ms. All ends with it.
struct Woken {
    Clock::time_point set_at, woke;
};
Woken run_with_limit_set(Engine& engine, std::chrono::milliseconds after,
                         std::chrono::milliseconds limit) {
    Woken woken;
    engine.spawn(wait_for_the_end, &engine);
    std::jthread other([&] {
        std::this_thread::sleep_for(after);
        engine.post([&] {
            woken.set_at = Clock::now();
            engine.spawn(sleep_and_end, &engine, limit, &woken.woke);
        });
    });
    engine.run();
    return woken;
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
        const auto woken = run_with_limit_set(engine, 700ms, 500ms);
        CHECK(woken.woke - woken.set_at >= 400ms);
        CHECK(engine.running() == 0);
    }

    TEST_CASE_TEMPLATE("a short limit does not wait for the end of a long sleep", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Expiring sleep_is_to_end;
        engine.expires_after(sleep_is_to_end, 1s);
        int rests_ended = 0;
        engine.on_end_of_rest = [&] { ++rests_ended; };
        run_with_limit_set(engine, 300ms, 50ms);
        CHECK(!sleep_is_to_end.expired);
        CHECK(rests_ended == 1);
    }

    TEST_CASE_TEMPLATE("a limit that an event sets while it is handed out counts from then", By,
                       ByEpoll, ByRing) {
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
