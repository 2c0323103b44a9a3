// The answers over the control socket, line for line.
#include "app/control_answer.hpp"

#include "tests/unit/app/logged_runtime.hpp"
#include "tests/unit/app/running.hpp"
#include "tests/unit/app/saying.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

using namespace poise::app;
using namespace poise::app::test;
using nlohmann::json;

namespace {

std::string two_servers() {
    return "services:\n  web:\n    listen: \"" + at(free_port()) +
           "\"\n    health: none\n    servers: [{name: web1, address: \"127.0.0.1:9\"}, "
           "{name: web2, address: \"127.0.0.1:10\"}]\n";
}

json answered(Running& poise, const std::string& line) {
    const std::string answer =
        poise.on_control([line](Runtime& runtime) { return control_answer(runtime, line); });
    CHECK(answer.find('\n') == std::string::npos);
    return json::parse(answer);
}

std::string error(Running& poise, const std::string& line) {
    const json answer = answered(poise, line);
    CHECK(answer["ok"] == false);
    return answer["error"];
}

}  // namespace

TEST_SUITE("app/control_answer") {
    TEST_CASE("what can be done is done, and told as JSON") {
        Running poise(two_servers());

        CHECK(answered(poise, R"({"command":"ping"})") == json{{"ok", true}, {"result", "pong"}});
        CHECK(answered(poise, R"({"command":"drain","service":"web","server":"web1"})")["result"] ==
              json{{"service", "web"},
                   {"server", "web1"},
                   {"state", "drain"},
                   {"weight", 100},
                   {"connections", 0}});
        const json status = answered(poise, R"({"command":"status","service":"web"})")["result"];
        CHECK(status["services"][0]["servers"][0]["state"] == "drain");
        CHECK(answered(poise, R"({"command":"reload"})")["result"]["generation"] == 2);
        CHECK(answered(poise, R"({"command":"why"})")["result"] == json::array());
        CHECK(answered(poise, R"({"command":"why","request_id":"web"})")["result"] ==
              json::array());
    }

    TEST_CASE("what cannot is told with the nearest name that there is") {
        Running poise(two_servers());

        CHECK(error(poise, "nonsense") == "a request is one JSON object on one line");
        CHECK(error(poise, R"({"command":"status","service":"wep"})") ==
              "unknown service 'wep'; did you mean 'web'?");
        CHECK(error(poise, R"({"command":"halt","service":"web","server":"web11"})") ==
              "unknown server of web 'web11'; did you mean 'web1'?");
        CHECK(holds(error(poise, R"({"command":"why","request_id":"abc"})"),
                    "nothing is known of request 'abc'"));
    }

    TEST_CASE("a reload that is refused brings all that is wrong with the file") {
        Running poise(two_servers());
        poise.write_config("services: {web: {lisn: 1, shceduler: rr}}\n");

        const json answer = answered(poise, R"({"command":"reload"})");

        CHECK(answer["ok"] == false);
        CHECK(answer["diagnostics"].size() >= 2);
        CHECK(holds(answer["diagnostics"].dump(), "unknown service key"));
    }

    TEST_CASE("each order to a server is logged") {
        LoggedRuntime poise(fmt::format(
            "services: {{web: {{listen: \"127.0.0.1:{}\", health: none, servers: [{{name: a, "
            "address: \"127.0.0.1:9\"}}]}}}}",
            free_port()));
        const auto order = [&](const std::string& verb, const std::string& more = "") {
            return control_answer(
                *poise.runtime,
                R"({"command":")" + verb + R"(","service":"web","server":"a")" + more + "}");
        };

        for (const char* verb : {"drain", "halt", "online"}) {
            CHECK(order(verb).find("\"ok\":true") != std::string::npos);
            CHECK(poise.has_logged("web/a: " + std::string(verb) + ", as ordered"));
        }
        CHECK(order("weight", ",\"weight\":50").find("\"ok\":true") != std::string::npos);
        CHECK(poise.has_logged("web/a: weight 50, as ordered"));
    }
}
