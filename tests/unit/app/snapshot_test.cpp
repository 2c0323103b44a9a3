// What a reload keeps: counters, queues, servers, tables, by the service's name.
#include "app/snapshot.hpp"

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise;
using namespace poise::app;

namespace {

constexpr persistence::CookieKey key{};

config::Config config_of(const std::string& services) {
    auto config = config::parse_config("services:\n" + services, "poise.yaml");
    if (!config) FAIL(config::to_string(config.error().front()));
    return std::move(*config);
}

// A service of two servers with `more` lines of its own.
config::Config web(const std::string& more = "", const std::string& name = "web") {
    return config_of("  " + name + ":\n    listen: \":8080\"\n" + more +
                     "    servers:\n"
                     "      - {name: s1, address: \"10.0.0.1:80\"}\n"
                     "      - {name: s2, address: \"10.0.0.2:80\"}\n");
}

Snapshot made(const config::Config& config, const Snapshot* previous = nullptr,
              unsigned workers = 2) {
    return make_snapshot(config, key, workers, previous);
}

const proxy::Service& service(const Snapshot& snapshot, std::string_view name = "web") {
    const proxy::Service* found = snapshot.generation->find(name);
    REQUIRE(found != nullptr);
    return *found;
}

}  // namespace

TEST_SUITE("app/snapshot") {
    TEST_CASE("the first generation is 1, and has a counter and a line for each worker") {
        const Snapshot first = made(web());
        CHECK(first.generation->number == 1);
        CHECK(service(first).counters.size() == 2);
        CHECK(service(first).queue->lines.size() == 2);
        CHECK(service(first).pool->servers().size() == 2);
        CHECK(first.fallbacks.empty());
    }

    TEST_CASE("counters and queue are kept over a reload") {
        const Snapshot first = made(web());
        service(first).counters[1]->requests.add();
        const Snapshot second = made(web("    retries: 1\n"), &first);

        CHECK(second.generation->number == 2);
        CHECK(service(second).configured.retries == 1);
        CHECK(service(second).counters == service(first).counters);
        CHECK(service(second).counters[1]->requests.value() == 1);
        CHECK(service(second).queue == service(first).queue);
    }

    TEST_CASE("a service of another name starts anew, and one that is gone is gone") {
        const Snapshot first = made(web());
        const Snapshot second = made(web("", "other"), &first);

        CHECK(second.generation->find("web") == nullptr);
        CHECK(service(second, "other").counters != service(first).counters);
        CHECK(service(second, "other").queue != service(first).queue);
        CHECK(service(second, "other").pool->find("s1") != service(first).pool->find("s1"));
    }

    TEST_CASE("a server with another weight stays, one with another address is a new one") {
        const Snapshot first = made(web());
        service(first).pool->find("s1")->set_admin(pool::AdminState::drain);
        const Snapshot second =
            made(config_of("  web:\n    listen: \":8080\"\n    servers:\n"
                           "      - {name: s1, address: \"10.0.0.1:80\", weight: 7, "
                           "max_connections: 3}\n"
                           "      - {name: s2, address: \"10.0.0.9:80\"}\n"),
                 &first);

        pool::RealServer* kept = service(second).pool->find("s1");
        CHECK(kept == service(first).pool->find("s1"));
        CHECK(kept->report().admin == pool::AdminState::drain);
        CHECK(kept->report().weight == 7);
        CHECK(kept->connections_max() == 3);
        CHECK(service(second).pool->find("s2") != service(first).pool->find("s2"));
    }

    TEST_CASE("a table is kept with its clients, and a new time-out is in force") {
        const auto persistent = [](const std::string& how) {
            return web("    persistence: {method: source, " + how + "}\n");
        };
        const Snapshot first = made(persistent("timeout: 5m"));
        const auto now = std::chrono::steady_clock::now();
        const auto client = service(first).keys->from_address(parse_ip("10.1.2.3").value());
        service(first).table->put(client, service(first).server_ids[1], now);

        const Snapshot longer = made(persistent("timeout: 7m"), &first);
        CHECK(service(longer).table == service(first).table);
        CHECK(service(longer).table->timeout() == std::chrono::minutes(7));
        CHECK(service(longer).table->find(client, now) == service(first).server_ids[1]);
        CHECK(service(longer).server_ids == service(first).server_ids);
        CHECK(service(longer).keys->from_address(parse_ip("10.1.2.3").value()) == client);

        CHECK(service(made(persistent("mask: 24"), &longer)).table != service(longer).table);
        CHECK(service(made(persistent("entries: 10"), &longer)).table != service(longer).table);
        CHECK(service(made(web(), &longer)).table == nullptr);
    }

    TEST_CASE("a table by header is another one for another header") {
        const auto by = [](const std::string& name) {
            return web("    persistence: {method: header, name: " + name + "}\n");
        };
        const Snapshot first = made(by("X-User"));
        REQUIRE(service(first).table != nullptr);
        CHECK(service(made(by("X-User"), &first)).table == service(first).table);
        CHECK(service(made(by("X-Group"), &first)).table != service(first).table);
    }

    TEST_CASE("cookies need no table, and a cookie of one generation is known to the next") {
        const Snapshot first = made(web("    persistence: cookie\n"));
        REQUIRE(service(first).cookies.has_value());
        CHECK(service(first).table == nullptr);
        const std::string line(service(first).cookies->set_cookie_header(1, false));
        const std::string cookie = line.substr(line.find("POISE="));
        const std::string sent = cookie.substr(0, cookie.find(';'));

        const Snapshot second = made(web("    persistence: cookie\n    retries: 1\n"), &first);
        CHECK(service(second).cookies->find_in_header(sent) == 1);

        CHECK(uses_cookies(web("    persistence: cookie\n")));
        CHECK_FALSE(uses_cookies(web("    persistence: source\n")));
    }

    TEST_CASE("rules point to the services that they use") {
        const Snapshot first =
            made(config_of("  api: {servers: [\"10.0.0.3:80\"]}\n"
                           "  web:\n    listen: \":8080\"\n    servers: [\"10.0.0.1:80\"]\n"
                           "    rules: [{match: {path_prefix: /api/}, use: api}]\n"));
        REQUIRE(service(first).rule_services.size() == 1);
        const auto used = service(first).rule_services[0];
        CHECK(first.generation->services[used]->configured.name == "api");
        CHECK(first.generation->services[used]->index == used);
    }

    TEST_CASE("a fallback server is a pool of its own, kept over reloads") {
        const auto fallback = web("    fallback: 10.0.0.9:80\n");
        const Snapshot first = made(fallback);
        REQUIRE(first.fallbacks.size() == 1);
        CHECK(first.fallbacks[0].service.name == "web (fallback)");
        CHECK(service(first).fallback_server != nullptr);
        CHECK(service(first).pool->servers().size() == 2);

        const Snapshot second = made(fallback, &first);
        CHECK(service(second).fallback_server == service(first).fallback_server);
        CHECK(service(made(web(), &second)).fallback_server == nullptr);
    }
}
