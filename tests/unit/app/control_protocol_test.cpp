// What goes over the control socket, and that nothing else is understood.
#include "app/control_protocol.hpp"

#include <doctest/doctest.h>

using namespace poise::app;

TEST_SUITE("app/control_protocol") {
    TEST_CASE("every request comes back as it was") {
        for (const ControlRequest& request :
             {ControlRequest{.verb = ControlVerb::ping},
              ControlRequest{.verb = ControlVerb::status},
              ControlRequest{.verb = ControlVerb::status, .service = "web"},
              ControlRequest{.verb = ControlVerb::drain, .service = "web", .server = "a/b"},
              ControlRequest{.verb = ControlVerb::halt, .service = "w \"\n", .server = "s"},
              ControlRequest{.verb = ControlVerb::online, .service = "web", .server = "web1"},
              ControlRequest{
                  .verb = ControlVerb::weight, .service = "web", .server = "web1", .weight = 256},
              ControlRequest{.verb = ControlVerb::reload}, ControlRequest{.verb = ControlVerb::why},
              ControlRequest{.verb = ControlVerb::takeover},
              ControlRequest{.verb = ControlVerb::takeover, .force = true},
              ControlRequest{.verb = ControlVerb::standby},
              ControlRequest{.verb = ControlVerb::why, .request_id = "abc"}}) {
            const std::string line = to_json(request);
            CAPTURE(line);
            CHECK(line.find('\n') == std::string::npos);
            const auto back = parse_control_request(line);
            REQUIRE(back.has_value());
            CHECK(*back == request);
        }
    }

    TEST_CASE("a request that is wrong is refused with a sentence") {
        struct Row {
            std::string line;
            std::string error;
        };
        for (const Row& row : {
                 Row{"", "a request is one JSON object on one line"},
                 Row{"[]", "a request is one JSON object on one line"},
                 Row{"{\"command\":", "a request is one JSON object on one line"},
                 Row{"{}", "a request needs a \"command\""},
                 Row{R"({"command":1})", "a request needs a \"command\""},
                 Row{R"({"command":"statsu"})", "unknown command 'statsu'; did you mean 'status'?"},
                 Row{R"({"command":"reload","service":"web"})", R"("reload" takes no "service")"},
                 Row{R"({"command":"status","extra":1})", R"("status" takes no "extra")"},
                 Row{R"({"command":"status","service":1})", R"("service" is a string)"},
                 Row{R"({"command":"drain","service":"web"})", R"("drain" needs a "server")"},
                 Row{R"({"command":"drain","service":"web","server":"a","weight":1})",
                     R"("drain" takes no "weight")"},
                 Row{R"({"command":"weight","service":"web","server":"a"})",
                     R"("weight" needs a "weight")"},
                 Row{R"({"command":"weight","service":"web","server":"a","weight":257})",
                     R"("weight" is a whole number from 0 to 256)"},
                 Row{R"({"command":"weight","service":"web","server":"a","weight":-1})",
                     R"("weight" is a whole number from 0 to 256)"},
                 Row{R"({"command":"weight","service":"web","server":"a","weight":1.5})",
                     R"("weight" is a whole number from 0 to 256)"},
             }) {
            CAPTURE(row.line);
            const auto refused = parse_control_request(row.line);
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error() == row.error);
        }
    }

    TEST_CASE("answers come back as they were") {
        const auto good = parse_control_answer(to_json({.ok = true, .result = "{\"a\":[1]}"}));
        REQUIRE(good.has_value());
        CHECK(good->ok);
        CHECK(good->result == "{\"a\":[1]}");

        const auto bad = parse_control_answer(
            to_json({.ok = false, .error = "no \"web\"", .diagnostics = {"a:1:1: b", "c"}}));
        REQUIRE(bad.has_value());
        CHECK_FALSE(bad->ok);
        CHECK(bad->error == "no \"web\"");
        CHECK(bad->diagnostics == std::vector<std::string>{"a:1:1: b", "c"});

        CHECK(to_json({.ok = true}) == R"({"ok":true,"result":null})");
    }

    TEST_CASE("what is no answer is refused") {
        for (const char* line : {"", "{}", "[]", "{\"ok\":1}", "{\"ok\":false}",
                                 "{\"ok\":false,\"error\":7}", "{\"ok\":true"}) {
            CAPTURE(line);
            CHECK_FALSE(parse_control_answer(line).has_value());
        }
    }
}
