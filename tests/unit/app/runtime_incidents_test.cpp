// What is kept of requests that fail in a running Poise: the facts that `poise why` tells.
#include "app/why.hpp"
#include "tests/unit/app/running.hpp"

#include <nlohmann/json.hpp>
#include <string>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;
using proxy::Incident;
using proxy::Reason;
using proxy::Repeat;

namespace {

// Servers are never taken out by checks or failures: only the request itself decides.
std::string service(std::uint16_t port, const std::string& servers, const std::string& more = "") {
    return "services:\n  web:\n    listen: \"" + at(port) + "\"\n    scheduler: rr\n" +
           "    health: {check: none, passive: false}\n    timeouts: {response: 100ms}\n" + more +
           "    servers: " + servers + "\n";
}

Incident only_incident(Running& poise) {
    const auto& incidents = poise.runtime().incidents();
    REQUIRE(wait_until([&] { return incidents.total() == 1; }));
    return incidents.last(1).front();
}

std::string request(const std::string& method) {
    return method + " / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

}  // namespace

TEST_SUITE("app/runtime") {
    TEST_CASE("a refused request has tried no server and is safe to repeat") {
        const auto port = free_port();
        Running poise(service(port, "[{name: s1, address: \"127.0.0.1:9\", weight: 0}]"));

        CHECK(talk(port, request("POST")).starts_with("HTTP/1.1 503 "));

        const Incident incident = only_incident(poise);
        CHECK(incident.reason == Reason::no_server);
        CHECK(incident.attempts == 0);
        CHECK(incident.server == "");
        CHECK(incident.repeat == Repeat::nothing_sent);
    }

    TEST_CASE("a service's name brings the failures of that service alone") {
        const auto port = free_port();
        const auto other = free_port();
        Running poise(service(port, "[{name: s1, address: \"127.0.0.1:9\", weight: 0}]") +
                      "  api:\n    listen: \"" + at(other) +
                      "\"\n    health: none\n    servers: [{name: a1, address: "
                      "\"127.0.0.1:9\", weight: 0}]\n");
        talk(port, request("POST"));
        talk(other, request("POST"));
        talk(other, request("GET"));
        REQUIRE(wait_until([&] { return poise.runtime().incidents().total() == 3; }));
        const auto told = [&](const std::string& about) -> std::size_t {
            const auto text = poise.on_control(
                [about](const Runtime& runtime) { return why_json(runtime, about, 10); });
            return text ? nlohmann::json::parse(*text).size() : 99;
        };

        CHECK(told("") == 3);
        CHECK(told("web") == 1);
        CHECK(told("api") == 2);
        CHECK(told("none") == 99);
    }

    TEST_CASE("a request that cannot be understood has tried no server") {
        const auto port = free_port();
        Running poise(service(port, "[\"127.0.0.1:9\"]"));

        talk(port, "POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 0\r\n\r\n");

        const Incident incident = only_incident(poise);
        CHECK(incident.reason == Reason::bad_host);
        CHECK(incident.attempts == 0);
        CHECK(incident.repeat == Repeat::nothing_sent);
        CHECK(incident.request_id.size() == 26);
    }

    TEST_CASE("connects that fail are counted, and the last server tried is named") {
        const auto port = free_port();
        const std::string dead = at(free_port());
        Running poise(service(port, "[{name: s1, address: \"" + dead +
                                        "\"}, {name: s2, address: \"" + at(free_port()) + "\"}]"));

        CHECK(talk(port, request("POST")).starts_with("HTTP/1.1 502 "));

        const Incident incident = only_incident(poise);
        CHECK(incident.reason == Reason::connect_failed);
        CHECK(incident.attempts == 2);
        CHECK((incident.server == "s1" || incident.server == "s2"));
        CHECK(incident.repeat == Repeat::nothing_sent);
    }

    TEST_CASE("without retries one connect is tried, and its server named") {
        const auto port = free_port();
        Running poise(service(port, "[{name: s1, address: \"" + at(free_port()) + "\"}]",
                              "    retries: 0\n"));

        talk(port, request("GET"));

        const Incident incident = only_incident(poise);
        CHECK(incident.attempts == 1);
        CHECK(incident.server == "s1");
    }

    TEST_CASE("a server that got a request and is silent: GET is idempotent, POST is a risk") {
        const auto port = free_port();
        const Socket silent;  // the kernel takes connections, nobody reads them
        const auto server = silent.bind();
        REQUIRE(::listen(silent.fd(), 8) == 0);
        Running poise(service(port, "[{name: s1, address: \"" + at(server) + "\"}]"));

        CHECK(talk(port, request("GET")).starts_with("HTTP/1.1 504 "));
        const Incident got = only_incident(poise);
        CHECK(talk(port, request("POST")).starts_with("HTTP/1.1 504 "));
        REQUIRE(wait_until([&] { return poise.runtime().incidents().total() == 2; }));
        const Incident posted = poise.runtime().incidents().last(1).front();

        CHECK(got.reason == Reason::response_timeout);
        CHECK(got.repeat == Repeat::idempotent);
        CHECK(got.attempts == 1);
        CHECK(got.server == "s1");
        CHECK(posted.repeat == Repeat::risky);
    }

    TEST_CASE("what a first server got counts, though the last one could not be reached") {
        const auto port = free_port();
        const Origin breaking("");  // takes the head and closes
        Running poise(service(port, "[{name: s1, address: \"" + at(breaking.port()) +
                                        "\"}, {name: s2, address: \"" + at(free_port()) +
                                        "\", backup: true}]"));

        CHECK(talk(port, request("GET")).starts_with("HTTP/1.1 50"));

        const Incident incident = only_incident(poise);
        CHECK(incident.attempts >= 1);
        CHECK(incident.repeat == Repeat::idempotent);
    }

    TEST_CASE("a TCP session that fails has an id to ask for") {
        const auto port = free_port();
        Running poise(service(port, "[{name: s1, address: \"" + at(free_port()) + "\"}]",
                              "    protocol: tcp\n"));

        CHECK(talk(port, "hello").empty());

        const Incident incident = only_incident(poise);
        CHECK(incident.reason == Reason::connect_failed);
        CHECK(incident.server == "s1");
        CHECK(incident.attempts == 1);
        CHECK(incident.repeat == Repeat::nothing_sent);
        REQUIRE(incident.request_id.size() == 26);
        CHECK(poise.runtime().incidents().find(incident.request_id).has_value());
    }
}
