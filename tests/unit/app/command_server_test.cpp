// The orders of the command line to a running Poise, over its control socket.
#include "tests/unit/app/running.hpp"
#include "tests/unit/app/saying.hpp"

#include <nlohmann/json.hpp>

using namespace poise::app;
using namespace poise::app::test;
using nlohmann::json;

namespace {

std::string service(const std::string& servers) {
    return "services:\n  web:\n    listen: \"" + at(free_port()) +
           "\"\n    health: none\n    servers: " + servers + "\n";
}

}  // namespace

TEST_SUITE("app/command_server") {
    TEST_CASE("drain, halt, online and weight say how the server is now, also as JSON") {
        Running poise(service("[{name: web1, address: \"127.0.0.1:9\"}]"));
        const auto order = [&](std::vector<std::string> words) {
            words.insert(words.end(), {"--control", poise.control()});
            return said(words);
        };

        CHECK(order({"drain", "web/web1"}).out == "web/web1: drain, weight 100, 0 connections\n");
        CHECK(order({"halt", "web/web1"}).out == "web/web1: halt, weight 100, 0 connections\n");
        CHECK(order({"weight", "web/web1", "7"}).out ==
              "web/web1: halt, weight 7, 0 connections\n");
        CHECK(json::parse(order({"online", "web/web1", "--json"}).out) == json{{"service", "web"},
                                                                               {"server", "web1"},
                                                                               {"state", "up"},
                                                                               {"weight", 7},
                                                                               {"connections", 0}});

        const Said unknown = order({"drain", "web/web2", "--json"});
        CHECK(unknown.code == 1);
        CHECK(unknown.out.empty());
        CHECK(unknown.err == "poise: unknown server of web 'web2'; did you mean 'web1'?\n");
        CHECK(order({"drain", "weg/web1"}).err ==
              "poise: unknown service 'weg'; did you mean 'web'?\n");
    }

    TEST_CASE("reload tells the changes, and all that is wrong with a file that it refuses") {
        const std::string before = service("[{name: web1, address: \"127.0.0.1:9\"}]");
        Running poise(before);
        const std::vector<std::string> reload{"reload", "--control", poise.control()};
        const std::vector<std::string> reload_json{"reload", "--json", "--control",
                                                   poise.control()};

        poise.write_config(before + "    retries: 1\n");
        const Said second = said(reload);
        CHECK(second.code == 0);
        CHECK(holds(second.out, "generation 2 is in force\n"));
        CHECK(holds(second.out, "retries"));
        poise.write_config(before);
        const json third = json::parse(said(reload_json).out);
        CHECK(third["generation"] == 3);
        CHECK(third["changes"].size() == 1);

        poise.write_config("services: {web: {lisn: 1}}\n");
        const Said refused = said(reload);
        CHECK(refused.code == 1);
        CHECK(refused.out.empty());
        CHECK(holds(refused.err, "unknown service key 'lisn'"));
        CHECK(holds(refused.err, "nothing has changed"));
    }

    TEST_CASE("status and why answer over the socket") {
        Running poise(service("[{name: web1, address: \"127.0.0.1:9\"}]"));

        const Said table = said({"status", "--control", poise.control()});
        const Said one = said({"status", "web", "--json", "--control", poise.control()});
        const Said none = said({"status", "weg", "--control", poise.control()});
        const Said why = said({"why", "--control", poise.control()});
        const Said unknown = said({"why", "abc", "--control", poise.control()});

        CHECK(table.code == 0);
        CHECK(holds(table.out, "web1"));
        CHECK(json::parse(one.out)["services"].size() == 1);
        CHECK(none.code == 1);
        CHECK(none.err == "poise: unknown service 'weg'; did you mean 'web'?\n");
        CHECK(why.out == "no request was refused or has failed, no packet was dropped\n");
        CHECK(unknown.code == 1);
        CHECK(holds(unknown.err, "nothing is known of request 'abc'"));
    }
}
