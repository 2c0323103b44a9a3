// Each row is a text and all of its errors, with their places: what the operator reads.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace poise;
using namespace poise::config;
using namespace std::chrono_literals;

TEST_SUITE("config/reader") {
    TEST_CASE("the shortest useful file loads with every default") {
        const Config config =
            loaded("services:\n  web: {listen: \":8080\", servers: 10.0.0.1:80}\n");

        REQUIRE(config.services.size() == 1);
        const Service& web = config.services[0];
        Service expected;
        expected.name = "web";
        expected.listen = web.listen;
        expected.servers = web.servers;
        CHECK(web == expected);
        CHECK(to_string(web.listen.at(0).address) == "[::]:8080");
        CHECK(web.servers.at(0).name == "10.0.0.1:80");
        CHECK(web.servers.at(0).address == parse_address("10.0.0.1:80"));
    }

    TEST_CASE("a scalar, a list and a mapping are the same key") {
        const auto listen_of = [](const std::string& listen) {
            return loaded("services: {web: {servers: a:1, listen: " + listen + "}}\n")
                .services[0]
                .listen;
        };
        const auto one = listen_of("\":8080\"");
        CHECK(listen_of("[\":8080\"]") == one);
        CHECK(listen_of("{address: \":8080\"}") == one);
        CHECK(listen_of("[{address: \":8080\", proxy_protocol: false}]") == one);
        CHECK(listen_of(":8080") == one);
    }

    TEST_CASE("shorthands stand for the mapping's main key") {
        const Service web = loaded(service_with("    persistence: cookie\n"
                                                "    health: none\n"
                                                "    agent: 4444\n"
                                                "    fallback: 10.0.0.99:81\n"))
                                .services[0];

        CHECK(web.persistence.method == PersistenceMethod::cookie);
        CHECK(web.health.check == CheckKind::none);
        CHECK(web.agent.value().port == 4444);
        CHECK(web.fallback.value().server.value().name == "10.0.0.99:81");
    }

    TEST_CASE("every key reaches its field") {
        const Service web =
            loaded(service_with(
                       "    scheduler: maglev\n    slow_start: 20s\n    forwarded: off\n"
                       "    trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\"]\n"
                       "    send_proxy: v2\n    retries: 0\n"
                       "    timeouts: {connect: 1s, header: 2s, handshake: 3s, idle: 4s, "
                       "keep_alive: 5s, response: 6s, tunnel: 7s, queue: 8s, drain: 9s, "
                       "min_rate: 1KiB}\n"
                       "    limits: {header_bytes: 8KiB, header_fields: 7, "
                       "request_line_bytes: 1KiB, body_bytes: 1GiB, queue_length: 3}\n"
                       "    health: {check: http, interval: 9s, timeout: 8s, fall: 7, rise: 6, "
                       "port: 99, path: /up, host: h.example, method: HEAD, expect: [204, 301], "
                       "body: ok, passive: false, passive_fall: 2}\n"
                       "    agent: {port: 1, interval: 2s, timeout: 3s}\n"
                       "    persistence: {method: header, name: X-User, timeout: 1h, mask: 24, "
                       "mask6: 64, entries: 10}\n"
                       "    fallback: {status: 500, body: sorry}\n"))
                .services[0];

        CHECK(web.scheduler == Algorithm::maglev);
        CHECK(web.slow_start == 20s);
        CHECK(web.forwarded == Forwarded::off);
        CHECK(web.trusted_proxies ==
              std::vector{*parse_prefix("10.0.0.0/8"), *parse_prefix("2001:db8::/32")});
        CHECK(web.send_proxy == ProxyProtocol::v2);
        CHECK(web.retries == 0);
        CHECK(web.timeouts == Timeouts{1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s, 9s, 1024});
        CHECK(web.limits == Limits{8192, 7, 1024, 1ULL << 30, 3});
        CHECK(web.health == HealthCheck{CheckKind::http,
                                        9s,
                                        8s,
                                        7,
                                        6,
                                        99,
                                        "/up",
                                        "h.example",
                                        "HEAD",
                                        {204, 301},
                                        "ok",
                                        "",
                                        "",
                                        false,
                                        2});
        CHECK(web.agent == Agent{1, 2s, 3s});
        CHECK(web.persistence == Persistence{PersistenceMethod::header, "X-User", 1h, 24, 64, 10});
        CHECK(web.fallback == Fallback{std::nullopt, 500, "sorry", ""});
    }

    TEST_CASE("rules and servers reach their fields") {
        const Config config = loaded(
            "services:\n"
            "  web:\n"
            "    listen: {address: 0.0.0.0:80, proxy_protocol: true}\n"
            "    trusted_proxies: 10.0.0.0/8\n"
            "    timeouts: {connect: 9s}\n"
            "    rules:\n"
            "      - match: {host: \"*.a.example\", path: /x, path_prefix: [/y/, /z], method: GET, "
            "header: {X-Env: canary, X-Any: }, source: 10.0.0.0/8}\n"
            "        use: api\n"
            "        timeouts: {idle: 5m}\n"
            "      - use: api\n"
            "    servers: [{name: s1, address: \"web1:8\", weight: 0, max_connections: 5, backup: "
            "true}]\n"
            "  api: {servers: [b:1, \"[::1]:2\"]}\n");

        const Service& web = config.services[0];
        CHECK(web.listen[0].proxy_protocol);
        CHECK(web.servers[0] == Server{"s1", "web1", 8, std::nullopt, 0, 5, true});
        CHECK(config.services[1].servers[1].address == parse_address("[::1]:2"));
        const Match& match = web.rules.at(0).match;
        CHECK(match.host == std::vector<std::string>{"*.a.example"});
        CHECK(match.path == std::vector<std::string>{"/x"});
        CHECK(match.path_prefix == std::vector<std::string>{"/y/", "/z"});
        CHECK(match.method == std::vector<std::string>{"GET"});
        CHECK(match.header ==
              std::vector<std::pair<std::string, std::string>>{{"X-Env", "canary"}, {"X-Any", ""}});
        CHECK(match.source == std::vector{*parse_prefix("10.0.0.0/8")});
        CHECK(web.rules[1].match == Match{});
        CHECK(web.rules[1].use == "api");
    }

    TEST_CASE("defaults are inherited key by key and overridden key by key") {
        const Config config = loaded(
            "services:\n"
            "  one: {listen: \":1\", servers: a:1, timeouts: {connect: 1s}, agent: none}\n"
            "  two: {listen: \":2\", servers: a:1, scheduler: rr, health: {fall: 9}, agent: 99}\n"
            "  raw: {listen: \":3\", servers: a:1, protocol: tcp}\n"
            "defaults:\n"
            "  scheduler: sh\n"
            "  timeouts: {connect: 2s, header: 3s}\n"
            "  health: {check: tls, rise: 4}\n"
            "  agent: {interval: 7s}\n");

        const Service& one = config.services[0];
        CHECK(one.scheduler == Algorithm::sh);
        CHECK(one.timeouts.connect == 1s);
        CHECK(one.timeouts.header == 3s);
        CHECK_FALSE(one.agent);
        const Service& two = config.services[1];
        CHECK(two.scheduler == Algorithm::rr);
        CHECK(two.timeouts.connect == 2s);
        CHECK(two.health.check == CheckKind::tls);
        CHECK(two.health.rise == 4);
        CHECK(two.health.fall == 9);
        CHECK(two.agent.value() == Agent{99, 7s, 1s});
        CHECK(config.services[2].timeouts.header == 3s);
    }

    TEST_CASE("idle of a tcp service is longer unless somebody sets it") {
        const auto idle_of = [](const std::string& defaults, const std::string& own) {
            return loaded("defaults: {" + defaults +
                          "}\nservices: {t: {protocol: tcp, listen: "
                          "\":1\", servers: a:1, timeouts: {" +
                          own + "}}}\n")
                .services[0]
                .timeouts.idle;
        };
        CHECK(idle_of("", "") == tcp_idle_default);
        CHECK(idle_of("timeouts: {connect: 1s}", "connect: 2s") == tcp_idle_default);
        CHECK(idle_of("", "idle: 60s") == 60s);
        CHECK(idle_of("timeouts: {idle: 60s}", "") == 60s);
        CHECK(loaded("defaults: {protocol: tcp}\nservices: {t: {listen: \":1\", servers: a:1}}\n")
                  .services[0]
                  .timeouts.idle == tcp_idle_default);
    }

    TEST_CASE("rdp starts from limits and a persistence of its own") {
        const Service plain = loaded(service_with("    protocol: rdp\n")).services[0];
        CHECK(plain.timeouts.idle == rdp_idle_default);
        CHECK(plain.timeouts.handshake == rdp_handshake_default);
        CHECK(plain.persistence.method == PersistenceMethod::rdp);
        CHECK(plain.persistence.timeout == rdp_persistence_default);

        const Service own =
            loaded(service_with("    protocol: rdp\n    persistence: none\n    timeouts: "
                                "{idle: 1h, handshake: 2s}\n"))
                .services[0];
        CHECK(own.timeouts.idle == milliseconds{3'600'000});
        CHECK(own.timeouts.handshake == milliseconds{2'000});
        CHECK(own.persistence.method == PersistenceMethod::none);
        CHECK(own.persistence.timeout == Persistence{}.timeout);

        const Config inherited = loaded(
            "defaults: {protocol: rdp, persistence: {timeout: 8h}, timeouts: {idle: 2h}}\n"
            "services: {a: {listen: \":1\", servers: a:1}}\n");
        CHECK(inherited.services[0].timeouts.idle == milliseconds{7'200'000});
        CHECK(inherited.services[0].persistence.method == PersistenceMethod::rdp);
        CHECK(inherited.services[0].persistence.timeout == milliseconds{28'800'000});
    }

    TEST_CASE("a rule's time limits are the service's with its own on top") {
        const Config config = loaded(
            "services:\n"
            "  web:\n"
            "    rules: [{use: api, timeouts: {idle: 5m}}, {use: api}]\n"
            "    timeouts: {connect: 9s}\n"
            "    listen: \":80\"\n"
            "    servers: a:1\n"
            "  api: {servers: a:1}\n");

        const auto& rules = config.services[0].rules;
        Timeouts expected;
        expected.connect = 9s;
        expected.idle = 5min;
        CHECK(rules[0].timeouts == expected);
        CHECK_FALSE(rules[1].timeouts);
    }

    TEST_CASE("a mapping whose lines are all commented out is an empty one") {
        CHECK(config_errors("defaults:\n#  scheduler: rr\n" + service_with("    health:\n")) == "");
    }

    TEST_CASE("unlimited is written out and is finite all the same") {
        const Service web = loaded(service_with("    timeouts: {tunnel: unlimited}\n"
                                                "    limits: {body_bytes: unlimited}\n"))
                                .services[0];
        CHECK(web.timeouts.tunnel == 365 * 24h);
        CHECK(web.limits.body_bytes == 0);
    }
}
