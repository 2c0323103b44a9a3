#include "app/stop_watchdog.hpp"

#include "tests/unit/app/logged_runtime.hpp"

#include <atomic>
#include <optional>
#include <thread>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;
using namespace std::chrono_literals;

namespace {

// Goal: no hanging stop outlives the limit or a second signal. Method: the end of the process is
// a flag; signals are sent to this thread's process while they are blocked here.
struct Fixture {
    Fixture() : log(Log::open({.path = folder.file("log")}).value()) {}

    void make(std::chrono::milliseconds deaf, std::chrono::milliseconds limit) {
        watchdog.emplace(*log, StopWatchdog::Options{deaf, limit, [this] { ended = true; }});
    }
    bool until_ended() {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!ended && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        return ended;
    }
    bool has_logged(std::string_view text) {
        CHECK(log->flush_within(10s));
        return read_text(folder.file("log")).find(text) != std::string::npos;
    }

    TemporaryFolder folder;
    std::unique_ptr<Log> log;
    std::atomic<bool> ended = false;
    std::optional<StopWatchdog> watchdog;
};

}  // namespace

TEST_SUITE("app/stop_watchdog") {
    TEST_CASE_FIXTURE(Fixture, "a stop that hangs is ended at the limit") {
        make(1h, 20ms);
        watchdog->start();
        watchdog->start();
        CHECK(until_ended());
        CHECK(has_logged("the stop hangs (it has not ended within 0.02 s)"));
    }

    TEST_CASE_FIXTURE(Fixture, "a further signal ends a stop that hangs") {
        make(0ms, 1h);
        watchdog->start();
        CHECK_FALSE(ended);
        CHECK(::kill(::getpid(), SIGTERM) == 0);
        CHECK(until_ended());
        CHECK(has_logged("the stop hangs (another signal asks for its end)"));
    }

    // An impatient hand presses twice: the second one must not cut what ends well.
    TEST_CASE_FIXTURE(Fixture, "a signal right after the order is part of it") {
        make(1h, 2h);
        watchdog->start();
        CHECK(::kill(::getpid(), SIGINT) == 0);
        sigset_t pending{};
        const auto until = std::chrono::steady_clock::now() + 10s;
        do {
            ::sigpending(&pending);
        } while (::sigismember(&pending, SIGINT) == 1 && std::chrono::steady_clock::now() < until);
        CHECK_FALSE(ended);
        watchdog.reset();
        CHECK_FALSE(ended);
        CHECK_FALSE(has_logged("hangs"));
    }

    TEST_CASE_FIXTURE(Fixture, "a stop that ends is left alone") {
        make(0ms, 1h);
        watchdog.reset();
        make(0ms, 1h);
        watchdog->start();
        watchdog.reset();
        CHECK_FALSE(ended);
    }
}
