// The status as JSON: what programs rely on, and that nothing is lost on the way.
#include "app/status.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace poise::app;
using nlohmann::json;

namespace {

ServerStatus server() {
    return {.name = "web1",
            .address = "10.0.0.11:80",
            .state = "down",
            .weight = 50,
            .connections = 3,
            .connections_max = 500,
            .successes = 7,
            .failures = 2,
            .response_us = 1'500,
            .reason = "connect refused",
            .since = 1'700'000'000};
}

Status status() {
    ServiceStatus service;
    service.name = "web";
    service.mode = "snat";
    service.protocol = "http";
    service.scheduler = "rr";
    service.listen = {"[::]:80", "10.0.0.1:81"};
    service.connections = 1;
    service.sessions = 2;
    service.requests = 3;
    service.responses = {1, 0, 2, 3, 4, 5};
    service.bytes_in = 4;
    service.bytes_out = 5;
    service.datagrams_in = 21;
    service.datagrams_out = 22;
    service.retries = 6;
    service.queued = 7;
    service.persistence_entries = 8;
    service.failures = {{"connect_failed", 2}, {"no_server", 1}};
    service.head_time = {.within = {1, 2, 3},
                         .count = 9,
                         .sum_us = 77,
                         .minute_count = 4,
                         .p50_us = 100,
                         .p99_us = 900};
    service.total_time = {.within = {}, .count = 8, .sum_us = 99};
    service.servers = {server()};
    return {
        .node = "lb1",
        .version = "0.1.0",
        .uptime_s = 12.5,
        .generation = 2,
        .generations_ending = 1,
        .workers = 4,
        .connections = 9,
        .worker_connections = {2, 3, 4, 0},
        .incidents = 3,
        .draining = true,
        .layer4 = Layer4Status{.flows = 70, .fast_flows = 30, .no_fast_path = "why", .threads = 3},
        .certificates = {{.file = "site.crt",
                          .names = {"site.test", "*.site.test"},
                          .key = "ecdsa",
                          .not_after = 1'700'000'000,
                          .ocsp = "good",
                          .stapled_until = 1'700'000'001},
                         {.file = "old.crt", .names = {}, .key = "rsa", .ocsp = "off"}},
        .services = {service}};
}

}  // namespace

TEST_SUITE("app/status_json") {
    TEST_CASE("a status comes back as it was") {
        const auto back = status_from_json(status_to_json(status()));
        REQUIRE(back.has_value());
        CHECK(*back == status());
        CHECK(*status_from_json(status_to_json(Status())) == Status());
    }

    TEST_CASE("one that was started before workers told their clients is still read") {
        json older = json::parse(status_to_json(status()));
        older.erase("worker_connections");
        const auto back = status_from_json(older.dump());
        REQUIRE(back.has_value());
        CHECK(back->worker_connections.empty());
    }

    TEST_CASE("responses are counted by the name of their class") {
        const json service = json::parse(status_to_json(status()))["services"][0];
        CHECK(service["responses"] ==
              json{{"none", 1}, {"1xx", 0}, {"2xx", 2}, {"3xx", 3}, {"4xx", 4}, {"5xx", 5}});
    }

    TEST_CASE("a time is that of `poise why --json`; none, and no limit, are null") {
        Status made = status();
        ServerStatus plain = server();
        plain.connections_max = 0;
        plain.since = 0;
        made.services[0].servers.push_back(plain);

        const json servers = json::parse(status_to_json(made))["services"][0]["servers"];
        CHECK(servers[0]["since"] == "2023-11-14T22:13:20Z");
        CHECK(servers[0]["connections_max"] == 500);
        CHECK(servers[1]["since"].is_null());
        CHECK(servers[1]["connections_max"].is_null());
        CHECK(*status_from_json(status_to_json(made)) == made);
    }

    TEST_CASE("a certificate is told with its end, and null where nothing is stapled") {
        const json list = json::parse(status_to_json(status()))["certificates"];
        CHECK(list[0] == json{{"file", "site.crt"},
                              {"names", {"site.test", "*.site.test"}},
                              {"key", "ecdsa"},
                              {"not_after", "2023-11-14T22:13:20Z"},
                              {"ocsp", "good"},
                              {"stapled_until", "2023-11-14T22:13:21Z"}});
        CHECK(list[1]["stapled_until"].is_null());
    }

    TEST_CASE("names that are no UTF-8 do not break the JSON") {
        Status made = status();
        made.services[0].name = "\xff";
        CHECK(status_from_json(status_to_json(made)).has_value());
    }

    TEST_CASE("what is no status is refused with a sentence") {
        json without = json::parse(status_to_json(status()));
        without.erase("node");
        json wrong_time = json::parse(status_to_json(status()));
        wrong_time["services"][0]["servers"][0]["since"] = "yesterday";
        for (const std::string& text : {std::string(), std::string("[]"), std::string("{}"),
                                        std::string("{"), without.dump(), wrong_time.dump()}) {
            CAPTURE(text);
            const auto refused = status_from_json(text);
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error().starts_with("not a status that a Poise gives: "));
        }
    }
}
