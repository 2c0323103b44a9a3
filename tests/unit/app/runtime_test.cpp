// A running Poise: served, ordered about and reloaded from several threads at once, and stopped.
// The thread sanitizer runs these, too.
#include "tests/unit/app/running.hpp"

#include <vector>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

std::string service(std::uint16_t port, const std::string& servers, const std::string& more = "") {
    return "services:\n  web:\n    listen: \"" + at(port) +
           "\"\n    scheduler: rr\n    health: {check: none, passive: false}\n" + more +
           "    servers: [" + servers + "]\n";
}

std::string server(const std::string& name, std::uint16_t port) {
    return "{name: " + name + ", address: \"" + at(port) + "\"}";
}

bool set_admin(Running& poise, const std::string& name, pool::AdminState state) {
    return poise.on_control(
        [name, state](Runtime& runtime) { return runtime.set_admin("web", name, state); });
}

bool set_weight(Running& poise, const std::string& name, std::uint32_t weight) {
    return poise.on_control(
        [name, weight](Runtime& runtime) { return runtime.set_weight("web", name, weight); });
}

ReloadOutcome reload(Running& poise) {
    return poise.on_control([](Runtime& runtime) { return runtime.reload(); });
}

// Starts what `yaml` says, and gives the error of a start that must fail.
std::string start_error(const std::string& yaml, const std::string& control = {}) {
    const auto log = std::move(*Log::open({.path = "/dev/null"}));
    RuntimeOptions options;
    options.config = std::move(*config::parse_config(yaml, "poise.yaml"));
    options.node.workers = 1;
    options.control_path = control;
    Runtime runtime(std::move(options), *log);
    const auto started = runtime.start();
    return started ? "" : started.error();
}

}  // namespace

TEST_SUITE("app/runtime") {
    TEST_CASE("requests are served and counted") {
        const Origin origin(fine);
        const auto port = free_port();
        Running poise(service(port, server("s1", origin.port())));

        CHECK(get(port).starts_with("HTTP/1.1 200 "));
        CHECK(get(port).ends_with("fine\n"));

        CHECK(wait_until([&] { return poise.status().services.at(0).requests == 2; }));
        const Status status = poise.status();
        CHECK(status.workers == 2);
        CHECK(status.generation == 1);
        CHECK(status.incidents == 0);
        CHECK(status.services[0].responses[2] == 2);
        CHECK(status.services[0].servers[0].successes == 2);
        CHECK(origin.accepted() == 2);
    }

    TEST_CASE("a drained server gets nothing new until it is online again") {
        const Origin one(fine);
        const Origin two(fine);
        const auto port = free_port();
        Running poise(service(port, server("s1", one.port()) + ", " + server("s2", two.port())));

        REQUIRE(set_admin(poise, "s1", pool::AdminState::drain));
        for (int i = 0; i < 8; ++i)
            CHECK(get(port).starts_with("HTTP/1.1 200 "));
        CHECK(one.accepted() == 0);
        CHECK(two.accepted() == 8);

        REQUIRE(set_admin(poise, "s1", pool::AdminState::online));
        REQUIRE(set_admin(poise, "s2", pool::AdminState::halt));
        CHECK(get(port).starts_with("HTTP/1.1 200 "));
        CHECK(one.accepted() == 1);
        CHECK(poise.status().services[0].servers[1].state == "halt");
    }

    TEST_CASE("weight 0 drains, and what is not there cannot be ordered about") {
        const auto port = free_port();
        Running poise(service(port, server("s1", free_port())));

        CHECK(set_weight(poise, "s1", 0));
        CHECK(poise.status().services[0].servers[0].state == "drain");
        CHECK(get(port).starts_with("HTTP/1.1 503 "));
        CHECK_FALSE(set_weight(poise, "s2", 1));
        CHECK_FALSE(set_admin(poise, "s2", pool::AdminState::drain));
    }

    TEST_CASE("a reload brings other servers and addresses; a bad file changes nothing") {
        const Origin one(fine);
        const Origin two(fine);
        const auto port = free_port();
        const auto other = free_port();
        Running poise(service(port, server("s1", one.port())));
        get(port);

        poise.write_config(service(other, server("s2", two.port())));
        const ReloadOutcome good = reload(poise);
        CHECK(good.error.empty());
        CHECK(good.generation == 2);
        CHECK(good.changes.find("server s2 added") != std::string::npos);
        CHECK(get(other).starts_with("HTTP/1.1 200 "));
        CHECK(two.accepted() == 1);
        CHECK(wait_until([&] { return get(port) == "no connection"; }));

        poise.write_config("services: {web: {lisn: 1}}\n");
        const ReloadOutcome bad = reload(poise);
        CHECK(bad.error.ends_with("has errors; nothing has changed"));
        CHECK_FALSE(bad.diagnostics.empty());
        CHECK(bad.generation == 2);
        CHECK(get(other).starts_with("HTTP/1.1 200 "));
        // The old address may have served one or two while it was closed.
        CHECK(wait_until([&] { return poise.status().services[0].requests >= 3; }));
    }

    TEST_CASE("a reload that cannot listen changes nothing") {
        const Origin origin(fine);
        const Socket taken;
        const auto taken_port = taken.bind();
        REQUIRE(::listen(taken.fd(), 1) == 0);
        const auto port = free_port();
        Running poise(service(port, server("s1", origin.port())));

        poise.write_config(service(taken_port, server("s1", origin.port())));
        const ReloadOutcome refused = reload(poise);

        CHECK(refused.error.find("another process does already") != std::string::npos);
        CHECK(refused.error.ends_with("; nothing has changed"));
        CHECK(get(port).starts_with("HTTP/1.1 200 "));
    }

    // Goal: orders and reloads never disturb a request. Clients ask all the time, while one
    // thread reloads, good files and bad ones, and another one changes weights and takes servers
    // out and back; s3 is always there.
    TEST_CASE("orders and reloads from several threads drop no request") {
        const Origin one(fine);
        const Origin two(fine);
        const Origin three(fine);
        const auto port = free_port();
        const std::string servers = server("s1", one.port()) + ", " + server("s2", two.port()) +
                                    ", " + server("s3", three.port());
        const std::string before = service(port, servers);
        Running poise(before);
        constexpr int rounds = 60;
        constexpr int clients_n = 3;
        std::atomic<int> served{0};
        std::atomic<bool> orders_good{true};

        std::vector<std::thread> threads;
        for (int i = 0; i < clients_n; ++i) {
            threads.emplace_back([&] {
                for (int round = 0; round < rounds; ++round)
                    if (get(port).starts_with("HTTP/1.1 200 ")) ++served;
            });
        }
        threads.emplace_back([&] {
            for (int round = 0; round < rounds / 3; ++round) {
                poise.write_config(round % 3 == 0   ? "services: 1\n"
                                   : round % 3 == 1 ? service(port, servers, "    retries: 1\n")
                                                    : before);
                if (reload(poise).error.empty() != (round % 3 != 0)) orders_good = false;
            }
        });
        threads.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const std::string name = round % 2 == 0 ? "s1" : "s2";
                const bool good = set_admin(poise, name, pool::AdminState::drain) &&
                                  set_weight(poise, name, 1 + round) &&
                                  set_admin(poise, name, pool::AdminState::online) &&
                                  poise.status().services.size() == 1;
                if (!good) orders_good = false;
            }
        });
        for (std::thread& thread : threads)
            thread.join();

        CHECK(served == clients_n * rounds);
        CHECK(orders_good);
        CHECK(poise.runtime().incidents().total() == 0);
        CHECK(
            wait_until([&] { return poise.status().services[0].requests == clients_n * rounds; }));
        CHECK(wait_until([&] { return poise.status().generations_ending == 0; }));
    }

    TEST_CASE("a halted server's clients go elsewhere, and stay there") {
        ::setenv("STATE_DIRECTORY", "/nonexistent", 1);  // the key then ends with this process
        const Origin one(fine);
        const Origin two(fine);
        const auto port = free_port();
        Running poise(service(port, server("s1", one.port()) + ", " + server("s2", two.port()),
                              "    persistence: source\n"));
        ::unsetenv("STATE_DIRECTORY");
        for (int i = 0; i < 4; ++i)
            get(port);
        const bool first = one.accepted() == 4;
        REQUIRE(one.accepted() + two.accepted() == 4);
        REQUIRE((first || two.accepted() == 4));
        CHECK(wait_until([&] { return poise.status().services[0].persistence_entries == 1; }));

        REQUIRE(set_admin(poise, first ? "s1" : "s2", pool::AdminState::halt));
        CHECK(poise.status().services[0].persistence_entries == 0);
        get(port);
        REQUIRE(set_admin(poise, first ? "s1" : "s2", pool::AdminState::online));
        get(port);

        CHECK((first ? two : one).accepted() == 2);
    }

    TEST_CASE("a stop that drains lets a request end, and takes no new client") {
        const Socket slow;  // takes the connection at once, and answers when it is told to
        const auto slow_port = slow.bind();
        REQUIRE(::listen(slow.fd(), 8) == 0);
        const auto port = free_port();
        Running poise(service(port, server("s1", slow_port)));
        const Socket client;
        REQUIRE(client.connect(port));
        client.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
        const Socket upstream(::accept(slow.fd(), nullptr, nullptr));
        upstream.receive("\r\n\r\n");

        boost::asio::post(poise.runtime().executor(), [&] { poise.runtime().drain(); });
        CHECK(wait_until([&] { return !Socket().connect(port); }));
        upstream.send(fine);

        CHECK(client.receive().ends_with("fine\n"));
        poise.join();  // run() has come to its end
    }

    TEST_CASE("a start that fails says why, and leaves nothing open") {
        const Socket taken;
        const auto taken_port = taken.bind();
        REQUIRE(::listen(taken.fd(), 1) == 0);
        const auto port = free_port();
        const std::string servers = server("s1", free_port());

        CHECK(start_error(service(taken_port, servers))
                  .starts_with("service web: cannot listen on " + at(taken_port)));
        CHECK(start_error(service(port, servers), "/nonexistent/control").find("/nonexistent") !=
              std::string::npos);
        CHECK(start_error(service(port, servers)).empty());  // the port is free again
        CHECK(get(port) == "no connection");
    }

    TEST_CASE("a Poise that was started without a file has none to load again") {
        const auto log = std::move(*Log::open({.least = Severity::error, .path = "/dev/null"}));
        RuntimeOptions options;
        options.config = std::move(
            *config::parse_config(service(free_port(), server("s1", free_port())), "demo"));
        options.node.workers = 1;
        Runtime runtime(std::move(options), *log);
        REQUIRE(runtime.start().has_value());

        CHECK(runtime.reload().error.starts_with("there is no file to load again"));
        CHECK_FALSE(runtime.has_control());
        CHECK(runtime.generation().number == 1);
    }
}
