#include "pool/monitor.hpp"

#include "tests/unit/pool/scripted_server.hpp"
#include "tests/unit/pool/test_pool.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;
using config::CheckKind;

namespace {

// Goal of this file: the loops around the pure parts. Method: short intervals, real sockets on
// loopback, and the loop runs until what is expected has come or ten seconds are over.
struct Fixture {
    Fixture() {
        service.name = "web";
        service.health.interval = 20ms;
        service.health.timeout = 5s;
    }
    ~Fixture() {
        monitor.stop();
        CHECK(run_until(io, [&] { return monitor.running() == 0; }));
    }

    void add_server(std::string name, std::uint16_t port) {
        auto server = configured_server(std::move(name));
        server.host = "127.0.0.1";
        server.port = port;
        server.address = loopback(port);
        service.servers.push_back(server);
    }
    void start() {
        pool = std::make_shared<const Pool>(service, pool.get());
        monitor.watch(service, pool);
    }
    RealServer& server(std::size_t i = 0) const { return *pool->servers()[i]; }
    bool until(auto condition) { return run_until(io, condition); }
    bool until_event(const std::string& text) {
        return until([&] {
            return std::ranges::any_of(events,
                                       [&](const ServerEvent& e) { return e.text == text; });
        });
    }

    asio::io_context io{1};
    config::Service service;
    std::shared_ptr<const Pool> pool;
    std::vector<ServerEvent> events;
    Monitor monitor{io.get_executor(), [this](const ServerEvent& e) { events.push_back(e); }};
};

}  // namespace

TEST_SUITE("pool/monitor") {
    TEST_CASE_FIXTURE(Fixture, "a server serves before its first check and is up after it") {
        ScriptedServer real(io, {});
        add_server("a", real.port());
        start();
        CHECK(server().may_take_new());
        CHECK(until_event("up (1 of 1 checks passed)"));
        CHECK(server().report().health == Health::up);
        CHECK(events.front().service == "web");
        CHECK(events.front().server == "a");
        CHECK_FALSE(events.front().bad);
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "the first failed check at a start takes a server down") {
        add_server("a", closed_port(io));
        start();
        CHECK(until_event("down: connect refused (1 of 1 checks failed)"));
        CHECK(server().report().reason == "connect refused");
        CHECK_FALSE(server().may_take_new());
        CHECK(events.front().bad);
    }

    TEST_CASE_FIXTURE(Fixture, "a server goes down and up again by fall and rise") {
        const std::vector<Step> good{{"\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}};
        const std::vector<Step> bad{{"\r\n\r\n", "HTTP/1.1 500 No\r\n\r\n"}};
        ScriptedServer real(io, good);
        service.health.check = CheckKind::http;
        add_server("a", real.port());
        start();
        CHECK(until_event("up (1 of 1 checks passed)"));
        real.set_script(bad);
        CHECK(until_event("down: status 500, expected 200 (3 of 3 checks failed)"));
        real.set_script(good);
        CHECK(until_event("up (2 of 2 checks passed)"));
        CHECK(events.size() == 3);
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "another port may be probed") {
        ScriptedServer real(io, {});
        add_server("a", closed_port(io));
        service.health.port = real.port();
        start();
        CHECK(until_event("up (1 of 1 checks passed)"));
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "failures of real traffic are told, and checks bring it up again") {
        ScriptedServer real(io, {});
        add_server("a", real.port());
        add_server("b", real.port());
        service.health.passive_fall = 2;
        start();
        CHECK(until([&] { return server().report().health == Health::up; }));
        CHECK(until([&] { return server(1).report().health == Health::up; }));
        server().note_connect_failure("connect refused");
        server().note_connect_failure("connect refused");
        CHECK_FALSE(server().may_take_new());
        CHECK(until_event("down: passive: 2 failures in a row, last: connect refused"));
        CHECK(until_event("up (2 of 2 checks passed)"));
        CHECK(server().may_take_new());
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "failed answers have a server checked out of turn, which decides") {
        ScriptedServer real(io, {{"\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}});
        service.health.check = CheckKind::http;
        service.health.interval = 1h;
        service.health.passive_fall = 2;
        add_server("a", real.port());
        start();
        CHECK(until_event("up (1 of 1 checks passed)"));

        server().note_answer_failure("malformed response");
        server().note_answer_failure("malformed response");
        CHECK(until([&] { return real.accepted() == 2; }));
        CHECK(server().may_take_new());

        real.set_script({{"\r\n\r\n", "HTTP/1.1 500 No\r\n\r\n"}});
        // Forgiven when the result of the good check is in: fails on until it counts again.
        CHECK(until([&] {
            server().note_answer_failure("malformed response");
            return !server().may_take_new();
        }));
        CHECK(real.accepted() == 3);
        CHECK(until([&] { return events.size() == 2; }));
        CHECK(events.back().text.starts_with("down: status 500, expected 200; passive: "));
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "without a check a server is up, and after failures tried again") {
        service.health.check = CheckKind::none;
        service.health.passive_fall = 1;
        add_server("a", closed_port(io));
        start();
        CHECK(server().report().health == Health::up);
        server().note_connect_failure("connect refused");
        CHECK_FALSE(server().may_take_new());
        CHECK(until([&] { return server().may_take_new(); }));
    }

    TEST_CASE_FIXTURE(Fixture, "a server down by traffic is told of without any check") {
        service.health.check = CheckKind::none;
        service.health.interval = 60s;
        service.health.passive_fall = 1;
        add_server("a", closed_port(io));
        start();
        server().note_answer_failure("response timed out");
        CHECK(until_event("down: passive: 1 failures in a row, last: response timed out"));
    }

    TEST_CASE_FIXTURE(Fixture, "the agent steers weight and state, its own failure neither") {
        ScriptedServer real(io, {});
        ScriptedServer agent(io, {{"", "50%\n"}});
        add_server("a", real.port());
        service.agent = config::Agent{.port = agent.port(), .interval = 20ms, .timeout = 5s};
        start();
        CHECK(until_event("agent: weight 50, was 100"));
        CHECK(server().effective_weight() == 50 * RealServer::weight_scale);
        agent.set_script({{"", "drain #backup\n"}});
        CHECK(until_event("limited: agent: drain #backup"));
        CHECK_FALSE(server().may_take_new());
        agent.set_script({{"", "down #disk full"}});
        CHECK(until_event("down: agent: down #disk full"));
        agent.set_script({{"", "banana"}});
        CHECK(until([&] { return server().report().agent == "unknown word 'banana'"; }));
        CHECK(server().report().reason == "agent: down #disk full");
        CHECK(until_event("agent fails: unknown word 'banana'; what it said last stays in force"));
        agent.set_script({{"", "up ready"}});
        CHECK(until([&] { return server().may_take_new(); }));
        CHECK(until_event("agent answers again"));

        // A reload without the agent forgets what it said.
        service.agent.reset();
        start();
        CHECK(server().effective_weight() == 100 * RealServer::weight_scale);
        agent.stop(io);
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "of an agent's small changes and lasting failure little is told") {
        ScriptedServer real(io, {});
        ScriptedServer agent(io, {{"", "100%\n"}});
        add_server("a", real.port());
        service.agent = config::Agent{.port = agent.port(), .interval = 10ms, .timeout = 5s};
        start();
        const auto weight_is = [&](std::uint32_t weight) {
            return until([&] { return server().report().weight == weight; });
        };
        for (const char* line : {"99%", "95%", "91%"}) {
            agent.set_script({{"", line}});
            CHECK(weight_is(static_cast<std::uint32_t>(std::stoi(line))));
        }
        agent.set_script({{"", "90%"}});
        CHECK(until_event("agent: weight 90, was 100"));
        agent.set_script({{"", "1%"}});
        CHECK(until_event("agent: weight 1, was 90"));
        agent.set_script({{"", "0%"}});
        CHECK(until_event("agent: weight 0, was 1"));
        agent.set_script({{"", "banana"}});
        const int asked = agent.accepted();
        CHECK(until([&] { return agent.accepted() > asked + 3; }));
        const auto failures = std::ranges::count_if(
            events, [](const ServerEvent& e) { return e.text.starts_with("agent fails"); });
        CHECK(failures == 1);
        agent.stop(io);
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "a host name is resolved while running") {
        ScriptedServer real(io, {});
        add_server("a", real.port());
        service.servers[0].host = "localhost";
        service.servers[0].address.reset();
        start();
        CHECK(server().report().reason == "name not resolved yet");
        CHECK(until([&] { return server().address().has_value(); }));
        CHECK(server().address()->is_loopback());
        CHECK(server().address()->port == real.port());
        CHECK(server().may_take_new());
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "a name that does not resolve says so") {
        add_server("a", 80);
        service.servers[0].host = "no..name";  // refused by the resolver without asking anybody
        service.servers[0].address.reset();
        start();
        CHECK(until([&] { return server().report().reason.starts_with("name not resolved: "); }));
        CHECK(events.size() == 1);
        CHECK(until_event("down: " + server().report().reason));
        CHECK_FALSE(server().may_take_new());
    }

    TEST_CASE_FIXTURE(Fixture, "a reload leaves an unchanged watch alone and drops the others") {
        ScriptedServer real(io, {});
        ScriptedServer leaving(io, {});
        add_server("a", real.port());
        add_server("b", leaving.port());
        start();
        CHECK(until([&] { return events.size() == 2; }));
        const auto kept = pool->servers()[0];
        service.servers.pop_back();
        service.servers[0].weight = 7;
        start();
        CHECK(pool->servers()[0] == kept);
        CHECK(monitor.running() == 3);  // two checks, of which one is ending, and the look-out
        CHECK(until([&] { return monitor.running() == 2; }));

        const int before = leaving.accepted();
        const int after = real.accepted();
        CHECK(until([&] { return real.accepted() > after + 3; }));
        CHECK(leaving.accepted() == before);
        CHECK(events.size() == 2);
        real.stop(io);
        leaving.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "a changed check goes on from the state that was known") {
        ScriptedServer real(io, {});
        add_server("a", real.port());
        start();
        CHECK(until_event("up (1 of 1 checks passed)"));
        service.health.fall = 2;
        start();
        real.stop(io);
        CHECK(until([&] { return real.accepted() > 0; }));
        CHECK(server().report().health == Health::up);
    }

    TEST_CASE_FIXTURE(Fixture, "a forgotten service is watched no more") {
        ScriptedServer real(io, {});
        add_server("a", real.port());
        start();
        CHECK(until([&] { return real.accepted() > 0; }));
        monitor.forget("web");
        monitor.forget("unknown");
        CHECK(until([&] { return monitor.running() == 1; }));
        real.stop(io);
    }

    TEST_CASE_FIXTURE(Fixture, "slow start goes on by itself") {
        ScriptedServer real(io, {});
        service.slow_start = 1s;
        add_server("a", real.port());
        start();
        const auto whole = server().effective_weight();
        server().set_health(Health::down, "");
        server().set_health(Health::up, "");
        CHECK(server().effective_weight() < whole);
        CHECK(until([&] { return server().effective_weight() == whole; }));
        real.stop(io);
    }

    // It took six seconds and then failed the assertion that nothing runs.
    TEST_CASE("stop does not wait for a name server that is silent") {
        asio::io_context io{1};
        std::atomic<bool> asked = false;
        const auto open = std::make_shared<std::atomic<bool>>(false);
        auto service = service_of({100});
        service.servers[0].address.reset();
        {
            Monitor monitor(io.get_executor(), {}, {.look_up = [open, &asked](const std::string&) {
                                asked = true;
                                open->wait(false);
                                return Resolved{};
                            }});
            monitor.watch(service, std::make_shared<const Pool>(service, nullptr));
            CHECK(run_until(io, [&] { return asked.load(); }));
            monitor.stop();
            CHECK(run_until(io, [&] { return monitor.running() == 0; }));
        }
        open->store(true);
        open->notify_all();
    }

    // From within the loop too, as a control command would.
    TEST_CASE_FIXTURE(Fixture, "stop ends everything, whatever is under way") {
        ScriptedServer silent(io, {}, AtEnd::hold);
        service.health.check = CheckKind::http;
        service.agent = config::Agent{.port = silent.port(), .interval = 20ms, .timeout = 60s};
        service.health.timeout = 60s;
        add_server("a", silent.port());
        start();
        CHECK(until([&] { return silent.accepted() == 2; }));
        asio::post(io, [&] { monitor.stop(); });
        CHECK(until([&] { return monitor.running() == 0; }));
        CHECK(server().report().health == Health::unknown);
        silent.stop(io);
    }
}
