// Publishing configurations to workers that run.
#include "app/config_in_force.hpp"

#include "app/listening.hpp"
#include "tests/unit/app/running.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <memory>
#include <vector>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

config::Config config_of(const std::string& more) {
    auto config = config::parse_config(
        "services:\n  web:\n    listen: \":8080\"\n    health: none\n" + more +
            "    servers: [{name: s1, address: \"127.0.0.1:9\"}, {name: s2, address: "
            "\"127.0.0.1:10\"}]\n",
        "poise.yaml");
    if (!config) FAIL(config::to_string(config.error().front()));
    return std::move(*config);
}

struct Published {
    explicit Published(bool started = true) {
        ::setenv("STATE_DIRECTORY", state.path.c_str(), 1);  // before there are threads
        if (started) workers.start();
    }
    ~Published() {
        workers.stop_now();
        workers.join();
        monitor.stop();
        io.run();
        ::unsetenv("STATE_DIRECTORY");
    }
    // Without listening sockets: nobody connects.
    void publish(const std::string& more) {
        in_force.publish(config_of(more), ListeningSockets(workers.size()));
    }
    const proxy::Service& web() const { return *in_force.generation().find("web"); }

    const Folder state;
    boost::asio::io_context io{1};
    std::unique_ptr<Log> log = std::move(*Log::open({.path = "/dev/null"}));
    WorkerSet workers{2, {}, [] {}};
    pool::Monitor monitor{io.get_executor(), [](const pool::ServerEvent&) {}};
    ConfigInForce in_force{io.get_executor(), workers, monitor, *log};
};

constexpr const char* by_source = "    persistence: {method: source, timeout: 1m}\n";

}  // namespace

TEST_SUITE("app/config_in_force") {
    TEST_CASE("who connects before the workers look is served by the listener's own service") {
        const std::uint16_t first = free_port();
        const std::uint16_t second = free_port();
        Published published(false);
        const auto page = [](const std::string& name, std::uint16_t port) {
            return "  " + name + ":\n    listen: \"" + at(port) +
                   "\"\n    servers: []\n    fallback: {status: 503, body: page of " + name + "}\n";
        };
        auto config = config::parse_config("services:\n" + page("one", first) + page("two", second),
                                           "poise.yaml");
        REQUIRE(config);
        auto sockets = open_listening_sockets(listening_places(*config), 2, {});
        REQUIRE(sockets);
        published.in_force.publish(std::move(*config), std::move(*sockets));
        std::vector<std::unique_ptr<Socket>> early;  // in the kernel's queues
        for (int i = 0; i < 8; ++i) {
            early.push_back(std::make_unique<Socket>());
            REQUIRE(early.back()->connect(second));
            early.back()->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        }

        published.workers.start();

        for (const auto& socket : early)
            CHECK(socket->receive().ends_with("page of two"));
    }

    TEST_CASE("the newest is in force, and an older one ends when nobody has it any more") {
        Published published;

        published.publish("");
        CHECK(published.in_force.generation().number == 1);
        CHECK(published.in_force.generations_ending() == 0);
        published.publish("    retries: 1\n");

        CHECK(published.in_force.generation().number == 2);
        CHECK(published.in_force.config().services[0].retries == 1);
        CHECK(wait_until([&] { return published.in_force.generations_ending() == 0; }));
    }

    TEST_CASE("a server's clients are forgotten, those of others are not") {
        Published published;
        published.publish(by_source);
        const auto& web = published.web();
        const auto now = std::chrono::steady_clock::now();
        const auto first = web.keys->from_address(parse_ip("10.0.0.1").value());
        const auto second = web.keys->from_address(parse_ip("10.0.0.2").value());
        web.table->put(first, web.server_ids[0], now);
        web.table->put(second, web.server_ids[1], now);

        published.in_force.forget_clients("web", "s1");
        published.in_force.forget_clients("nobody", "s1");

        CHECK_FALSE(web.table->find(first, now).has_value());
        CHECK(web.table->find(second, now) == web.server_ids[1]);
    }

    TEST_CASE("clients are known after a reload, for the key stays, and are swept in time") {
        Published published;
        published.publish("");
        published.publish(by_source);
        const auto now = std::chrono::steady_clock::now();
        const auto client = published.web().keys->from_address(parse_ip("10.0.0.1").value());
        published.web().table->put(client, published.web().server_ids[0], now);

        published.publish(std::string(by_source) + "    retries: 1\n");
        CHECK(published.web().table->size() == 1);
        CHECK(published.web().keys->from_address(parse_ip("10.0.0.1").value()) == client);
        published.in_force.sweep(now);
        CHECK(published.web().table->size() == 1);
        for (int i = 0; i < 1'000 && published.web().table->size() > 0; ++i)
            published.in_force.sweep(now + std::chrono::minutes(2));
        CHECK(published.web().table->size() == 0);
    }

    TEST_CASE("a key is made only when something is to be remembered") {
        Published published;
        const auto file = published.state.path / "cookie.key";

        published.publish("");
        CHECK_FALSE(std::filesystem::exists(file));
        published.publish("    persistence: cookie\n");
        CHECK(std::filesystem::exists(file));
    }
}
