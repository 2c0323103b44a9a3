#include "pool/real_server.hpp"

#include "tests/unit/pool/test_pool.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime start{};

config::Server unresolved_server() {
    auto configured = configured_server("a");
    configured.host = "web.example";
    configured.address.reset();
    return configured;
}

}  // namespace

TEST_SUITE("pool/real_server") {
    TEST_CASE("a server that was not probed yet serves") {
        const RealServer server(configured_server("a"));

        CHECK(server.may_take_new());
        CHECK(server.may_serve_known());
        CHECK(server.effective_weight() == 100 * RealServer::weight_scale);
        CHECK(server.report().health == Health::unknown);
    }

    TEST_CASE("a server whose name is not resolved takes nothing and says so") {
        RealServer server(unresolved_server());
        CHECK_FALSE(server.may_take_new());
        CHECK_FALSE(server.may_serve_known());
        CHECK(server.report().health == Health::down);
        CHECK(server.report().reason == "name not resolved yet");

        const auto generation = server.address_generation();
        server.set_address(parse_address("10.0.0.9:80"));
        CHECK(server.may_take_new());
        CHECK(server.address_generation() != generation);
        CHECK(server.address() == parse_address("10.0.0.9:80"));
    }

    TEST_CASE("the same address again is no change") {
        RealServer server(configured_server("a"));
        const auto generation = server.address_generation();
        server.set_address(server.address());
        CHECK(server.address_generation() == generation);
    }

    TEST_CASE("what the administrator wants decides what a server takes") {
        struct Row {
            AdminState state;
            bool takes_new, serves_known, halted;
        };
        for (const auto& row : {Row{AdminState::online, true, true, false},
                                Row{AdminState::drain, false, true, false},
                                Row{AdminState::halt, false, false, true}}) {
            RealServer server(configured_server("a"));
            server.set_admin(row.state);
            CHECK(server.may_take_new() == row.takes_new);
            CHECK(server.may_serve_known() == row.serves_known);
            CHECK(server.halted() == row.halted);
            server.set_admin(AdminState::online);
            CHECK(server.may_take_new());
        }
    }

    TEST_CASE("weight 0 takes nothing new and serves whom it knows") {
        RealServer server(configured_server("a"));
        server.set_weight(0);
        CHECK_FALSE(server.may_take_new());
        CHECK(server.may_serve_known());

        server.set_weight(std::nullopt);
        CHECK(server.may_take_new());
        CHECK(server.report().weight == 100);
    }

    TEST_CASE("what the agent says changes the state and the weight") {
        using Admission = AgentState::Admission;
        struct Row {
            AgentState state;
            bool takes_new, serves_known;
            std::uint32_t weight;  // without scale
            const char* reason;
        };
        const Row rows[] = {
            {{}, true, true, 100, ""},
            {{.percent = 50}, true, true, 50, ""},
            {{.percent = 0}, false, true, 0, "agent: 0%"},
            {{.weight = 0}, false, true, 0, "agent: weight:0"},
            {{.weight = 200}, true, true, 200, ""},
            {{.percent = 50, .weight = 200}, true, true, 100, ""},
            {{.admission = Admission::drain}, false, true, 100, "agent: drain"},
            {{.admission = Admission::maint}, false, false, 100, "agent: maint"},
            {{.down = true, .reason = "disk full"}, false, false, 100, "agent: down #disk full"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.reason);
            RealServer server(configured_server("a"));
            server.set_agent(row.state);
            CHECK(server.may_take_new() == row.takes_new);
            CHECK(server.may_serve_known() == row.serves_known);
            CHECK(server.effective_weight() == row.weight * RealServer::weight_scale);
            CHECK(server.report().reason == row.reason);
        }
    }

    TEST_CASE("a server that its agent or a weight drains does so since then") {
        const auto changed_by = [](auto change) {
            RealServer server(configured_server("a"));
            const auto before = server.report().since;
            while (std::chrono::system_clock::now() == before) {
            }
            change(server);
            return server.report().since != before;
        };
        CHECK(changed_by([](RealServer& s) { s.set_agent({.percent = 0}); }));
        CHECK(changed_by(
            [](RealServer& s) { s.set_agent({.admission = AgentState::Admission::drain}); }));
        CHECK(changed_by([](RealServer& s) { s.set_weight(0); }));
        CHECK_FALSE(changed_by([](RealServer& s) { s.set_agent({.percent = 50}); }));
        CHECK_FALSE(changed_by([](RealServer& s) { s.set_weight(50); }));
    }

    TEST_CASE("the operator's weight is above the agent's, whose limit is above the file's") {
        RealServer server(configured_server("a"));
        server.set_agent({.weight = 200, .connections_max = 1});
        server.set_weight(10);
        CHECK(server.report().weight == 10);

        CHECK_FALSE(server.full());
        const ConnectionLease lease(server);
        CHECK(server.full());
    }

    TEST_CASE("a failing agent is noted and changes nothing") {
        RealServer server(configured_server("a"));
        server.set_agent({.percent = 50});
        server.set_agent_error("connect refused");
        CHECK(server.may_take_new());
        CHECK(server.report().agent == "connect refused");
        CHECK(server.effective_weight() == 50 * RealServer::weight_scale);

        server.set_agent({.percent = 50});
        CHECK(server.report().agent == "");
    }

    TEST_CASE(
        "without a check failures of real traffic in a row take a server down until it is tried") {
        RealServer server(configured_server("a"), {.passive_fall = 3});
        server.note_connect_failure("connect refused");
        server.note_connect_failure("connect refused");
        server.note_success();
        server.note_connect_failure("connect refused");
        server.note_answer_failure("reset");
        CHECK(server.may_take_new());

        server.note_answer_failure("response timed out");
        CHECK_FALSE(server.may_take_new());
        CHECK(server.passive_down());
        CHECK(server.report().reason == "passive: 3 failures in a row, last: response timed out");
        CHECK(server.failures() == 5);

        server.note_success();
        CHECK_FALSE(server.may_take_new());
        server.set_health(Health::up, "");
        CHECK(server.may_take_new());
    }

    // One broken page took every server of a pool down, and all clients got 503 for seconds.
    TEST_CASE("failed answers never take a server with a check down by themselves") {
        RealServer server(configured_server("a"), {.passive_fall = 2, .has_check = true});
        server.note_answer_failure("reset");
        CHECK_FALSE(server.take_suspicion());
        server.note_answer_failure("malformed response");
        CHECK(server.may_take_new());
        CHECK(server.take_suspicion());
        CHECK_FALSE(server.take_suspicion());

        server.forgive_failures();
        server.note_answer_failure("reset");
        CHECK_FALSE(server.take_suspicion());

        server.note_answer_failure("malformed response");
        server.confirm_failures("connect refused");
        CHECK_FALSE(server.may_take_new());
        CHECK(server.report().reason ==
              "connect refused; passive: 2 failures in a row, last: malformed response");
    }

    TEST_CASE("failed connects take a server down at once, but not the last one that serves") {
        auto service = service_of({100, 100, 100});
        service.health.passive_fall = 2;
        TestPool test(service);
        for (std::size_t i = 0; i < 3; ++i) {
            CAPTURE(i);
            test.server(i).note_connect_failure("connect failed");
            test.server(i).note_connect_failure("connect failed");
            CHECK(test.server(i).may_take_new() == (i == 2));
            CHECK(test.server(i).take_suspicion() == (i == 2));
        }
        test.server(0).set_health(Health::up, "");
        test.server(2).note_connect_failure("connect failed");
        CHECK_FALSE(test.server(2).may_take_new());
    }

    TEST_CASE("an answer, however bad, shows that connects succeed") {
        auto service = service_of({100, 100});
        service.health.passive_fall = 2;
        TestPool test(service);
        test.server(0).note_connect_failure("connect failed");
        test.server(0).note_answer_failure("reset");
        test.server(0).note_connect_failure("connect failed");
        CHECK(test.server(0).may_take_new());
        CHECK(test.server(0).take_suspicion());
    }

    // Goal: the last two do not each count on the other. Method: threads fail all at once.
    TEST_CASE("a failed connect is remembered until something succeeds or the address changes") {
        RealServer server(configured_server("s"));
        const SteadyTime now{std::chrono::hours(1)};
        CHECK_FALSE(server.connect_failed_after(SteadyTime{}));

        server.note_connect_failure("refused", now);
        CHECK(server.connect_failed_after(SteadyTime{}));
        CHECK_FALSE(server.connect_failed_after(now));
        server.note_success();
        CHECK_FALSE(server.connect_failed_after(SteadyTime{}));

        server.note_connect_failure("refused", now);
        server.note_answer_failure("malformed response");
        CHECK_FALSE(server.connect_failed_after(SteadyTime{}));

        server.note_connect_failure("refused", now);
        server.set_address(parse_address("10.0.0.2:80"));
        CHECK_FALSE(server.connect_failed_after(SteadyTime{}));
    }

    TEST_CASE("threads that see all servers refuse leave one serving") {
        auto service = service_of({100, 100, 100, 100});
        service.health.passive_fall = 1;
        for (int round = 0; round < 200; ++round) {
            TestPool test(service);
            std::vector<std::thread> threads;
            for (std::size_t i = 0; i < 4; ++i)
                threads.emplace_back([&, i] { test.server(i).note_connect_failure("refused"); });
            for (auto& thread : threads)
                thread.join();
            int serving = 0;
            for (std::size_t i = 0; i < 4; ++i)
                serving += test.server(i).may_take_new() ? 1 : 0;
            REQUIRE(serving == 1);
        }
    }

    TEST_CASE("without passive observation failures are only counted") {
        RealServer server(configured_server("a"));
        for (int i = 0; i < 1000; ++i)
            server.note_answer_failure("reset");
        CHECK(server.may_take_new());
        CHECK(server.failures() == 1000);
    }

    TEST_CASE("a server that comes back reaches its weight over the slow start") {
        RealServer server(configured_server("a"), {.slow_start = 10s});
        const auto whole = 100 * RealServer::weight_scale;
        CHECK(server.effective_weight() == whole);
        CHECK_FALSE(server.ramping());

        server.set_health(Health::down, "refused", start);
        server.set_health(Health::up, "", start);
        CHECK(server.may_take_new());
        CHECK(server.ramping());
        CHECK(server.effective_weight() == whole / 16);
        server.tick(start + 5s);
        CHECK(server.effective_weight() == whole / 2);
        server.tick(start + 10s);
        CHECK(server.effective_weight() == whole);
        CHECK_FALSE(server.ramping());
    }

    TEST_CASE("a small weight is never ramped down to nothing") {
        RealServer server(configured_server("a", 1), {.slow_start = 3600s});
        server.set_agent({.percent = 1});
        server.set_health(Health::down, "", start);
        server.set_health(Health::up, "", start);
        CHECK(server.effective_weight() > 0);
        CHECK(server.may_take_new());
    }

    TEST_CASE("a state is reported with its reason and the time since when") {
        RealServer server(configured_server("a"));
        const auto changes = server.report_changes();
        const auto before = server.report().since;

        server.set_health(Health::down, "connect refused");
        CHECK(server.report().health == Health::down);
        CHECK(server.report().reason == "connect refused");
        CHECK(server.report().since >= before);
        CHECK(server.report_changes() == changes + 1);
        server.set_health(Health::down, "connect refused");
        CHECK(server.report_changes() == changes + 1);
    }

    TEST_CASE("a reload's new weight ends the one of run time, the same weight does not") {
        auto configured = configured_server("a", 100);
        RealServer server(configured);
        server.set_weight(7);
        server.reconfigure(configured, {});
        CHECK(server.report().weight == 7);

        configured.weight = 50;
        configured.max_connections = 5;
        server.reconfigure(configured, {});
        CHECK(server.report().weight == 50);
        CHECK(server.report().connections_max == 5);
    }

    TEST_CASE("response times are averaged and never 0 once measured") {
        RealServer server(configured_server("a"));
        CHECK(server.response_us() == 0);
        server.note_response(0us);
        CHECK(server.response_us() == 1);
        for (int i = 0; i < 100; ++i)
            server.note_response(800us);
        CHECK(server.response_us() > 700);
        CHECK(server.response_us() <= 800);
    }

    TEST_CASE("a change raises the shared version, and only a change") {
        const auto siblings = std::make_shared<Siblings>();
        RealServer server(configured_server("a"), {}, siblings);

        auto last = siblings->version.load();
        const auto changed = [&] { return std::exchange(last, siblings->version.load()) != last; };
        server.set_health(Health::up, "");
        CHECK_FALSE(changed());  // unknown and up both serve
        server.set_health(Health::down, "");
        CHECK(changed());
        server.set_weight(3);
        CHECK(changed());
        server.set_weight(3);
        CHECK_FALSE(changed());
        server.set_agent({.connections_max = 9});
        CHECK(changed());
    }

    TEST_CASE("a lease counts one connection for as long as it lives") {
        RealServer server(configured_server("a"));
        {
            ConnectionLease first(server);
            ConnectionLease second(std::move(first));
            CHECK(server.connections() == 1);
            second = ConnectionLease(server);
            CHECK(server.connections() == 1);
        }
        CHECK(server.connections() == 0);
    }

    TEST_CASE("no more leases below the limit are given than it says, whatever threads ask") {
        constexpr std::uint32_t limit = 3;
        RealServer server(configured_server("a"));
        server.set_agent({.connections_max = limit});
        std::atomic<bool> exceeded = false;
        const auto take_and_give = [&] {
            for (int i = 0; i < 20'000; ++i) {
                const auto lease = ConnectionLease::below_limit(server);
                if (server.connections() > limit) exceeded = true;
            }
        };

        std::array<std::jthread, 4> threads;
        for (auto& thread : threads)
            thread = std::jthread(take_and_give);
        for (auto& thread : threads)
            thread.join();

        CHECK_FALSE(exceeded);
        CHECK(server.connections() == 0);
        const auto a = ConnectionLease::below_limit(server);
        const auto b = ConnectionLease::below_limit(server);
        const auto c = ConnectionLease::below_limit(server);
        CHECK(c.server() == &server);
        CHECK(ConnectionLease::below_limit(server).server() == nullptr);
    }
}
