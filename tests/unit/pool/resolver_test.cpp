#include "pool/resolver.hpp"

#include "tests/unit/pool/scripted_server.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

namespace {

// Goal: no look-up, however long, holds up another name, a stop or the end. Method: a name server
// that answers "fast" at once and every other name when the test opens the gate.
struct Gate {
    Resolved look_up(const std::string& host) {
        ++calls;
        if (host != "fast") {
            std::unique_lock lock(mutex);
            opened.wait(lock, [&] { return open; });
        }
        return {.found = {loopback(0)}, .wrong = ""};
    }
    void open_it() {
        const std::lock_guard lock(mutex);
        open = true;
        opened.notify_all();
    }

    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    std::atomic<int> calls{0};
};

struct Fixture {
    ~Fixture() {
        gate->open_it();
        CHECK(cancel_and_wait(io, tasks));
        if (resolver) CHECK(run_until(io, [&] { return resolver->threads() == 0; }));
    }
    void make(std::chrono::milliseconds limit, unsigned threads_max = 16) {
        resolver.emplace(ResolverOptions{
            .look_up = [gate = gate](const std::string& host) { return gate->look_up(host); },
            .limit = limit,
            .threads_max = threads_max});
    }
    static Task<void> ask(Fixture* self, std::string host) {
        const auto answer = co_await self->resolver->resolve(host, 80);
        self->answers.push_back(host + (answer.found.empty() ? ": " + answer.wrong : ""));
    }
    bool until_answers(std::size_t count) {
        return run_until(io, [&] { return answers.size() == count; });
    }

    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    asio::io_context io{1};
    std::optional<Resolver> resolver;
    std::vector<std::string> answers;
    TaskGroup tasks{io.get_executor()};
};

}  // namespace

TEST_SUITE("pool/resolver") {
    TEST_CASE_FIXTURE(Fixture, "a name that hangs does not hold up another") {
        make(1h);
        tasks.spawn(&Fixture::ask, this, "slow");
        tasks.spawn(&Fixture::ask, this, "fast");
        CHECK(until_answers(1));
        CHECK(answers.front() == "fast");
        gate->open_it();
        CHECK(until_answers(2));
    }

    TEST_CASE_FIXTURE(Fixture, "an asker goes on after the limit, and the name holds one thread") {
        make(20ms);
        tasks.spawn(&Fixture::ask, this, "slow");
        CHECK(until_answers(1));
        CHECK(answers.front() == "slow: no answer within 0.02 s");
        tasks.spawn(&Fixture::ask, this, "slow");
        tasks.spawn(&Fixture::ask, this, "slow");
        CHECK(until_answers(3));
        CHECK(resolver->threads() == 1);
        CHECK(gate->calls == 1);
    }

    TEST_CASE_FIXTURE(Fixture, "names beyond the threads wait, and are dropped with their askers") {
        make(20ms, 2);
        for (const char* name : {"a", "b", "c", "d"})
            tasks.spawn(&Fixture::ask, this, name);
        CHECK(until_answers(4));
        CHECK(resolver->threads() == 2);
        CHECK(gate->calls == 2);
        gate->open_it();
        CHECK(run_until(io, [&] { return resolver->threads() == 0; }));
        CHECK(gate->calls == 2);
    }

    TEST_CASE_FIXTURE(Fixture, "a cancelled asker ends at once, and its look-up finds nobody") {
        make(1h);
        tasks.spawn(&Fixture::ask, this, "slow");
        CHECK(run_until(io, [&] { return gate->calls == 1; }));
        CHECK(cancel_and_wait(io, tasks));
        gate->open_it();
        CHECK(run_until(io, [&] { return resolver->threads() == 0; }));
        CHECK(answers.empty());
    }

    TEST_CASE("a look-up may outlive the resolver and the loop of its asker") {
        const auto gate = std::make_shared<Gate>();
        const std::weak_ptr<Gate> held = gate;
        {
            Fixture fixture;
            fixture.gate->open_it();
            fixture.gate = gate;
            fixture.make(1h);
            fixture.tasks.spawn(&Fixture::ask, &fixture, "slow");
            CHECK(run_until(fixture.io, [&] { return gate->calls == 1; }));
            CHECK(cancel_and_wait(fixture.io, fixture.tasks));
            fixture.resolver.reset();
            fixture.gate = std::make_shared<Gate>();
        }
        gate->open_it();
        // The thread lets go of what it shares when it ends.
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (held.use_count() > 1 && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        CHECK(held.use_count() == 1);
    }

    TEST_CASE("the system knows localhost and says why a name has no address") {
        const auto known = system_look_up("localhost");
        REQUIRE_FALSE(known.found.empty());
        CHECK(known.found.front().is_loopback());
        CHECK(system_look_up("no..name").wrong != "");
    }
}
