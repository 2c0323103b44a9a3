// What is found in a status, and when it is told.
#include "admin/alert_watch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <nlohmann/json.hpp>

using namespace poise;
using namespace poise::admin;
using nlohmann::json;

namespace {

json server(const std::string& name, const std::string& state, const std::string& reason = "") {
    return {{"name", name}, {"state", state}, {"reason", reason}, {"address", "10.0.0.1:80"}};
}

std::string status_of(const json& servers, const json& pair = {}) {
    json status{{"node", "lb1"}, {"services", {{{"name", "web"}, {"servers", servers}}}}};
    if (pair.is_object()) status["pair"] = pair;
    return status.dump();
}

std::vector<Alert> take(AlertWatch& watch, const std::string& status, std::int64_t now_s) {
    return watch.take_status(StatusDocument(status), now_s);
}

// "problem server web/s1 down: why", a line each.
std::string lines_of(const std::vector<Alert>& alerts) {
    std::string lines;
    for (const Alert& alert : alerts)
        lines += std::string(word(alert.level)) + " " + std::string(config::word(alert.kind)) +
                 " " + alert.subject + " " + alert.text + "\n";
    return lines;
}

const std::string good = status_of({server("s1", "up"), server("s2", "up")});
const std::string one_down =
    status_of({server("s1", "down", "connect refused"), server("s2", "up")});

json pair(const std::string& state, const std::string& peer_state, bool alive) {
    return {{"state", state},          {"peer_state", peer_state}, {"peer", "lb2"},
            {"peer_alive", alive},     {"paths", {"one"}},         {"problems", json::array()},
            {"changes", json::array()}};
}

}  // namespace

TEST_SUITE("admin/alert_watch") {
    TEST_CASE("a server that is down in two statuses is told once, and its end once") {
        AlertWatch watch({});

        CHECK(take(watch, good, 1).empty());
        CHECK(take(watch, one_down, 2).empty());
        CHECK(lines_of(take(watch, one_down, 3)) ==
              "problem server web/s1 down: connect refused\n");
        CHECK(take(watch, one_down, 4).empty());
        REQUIRE(watch.open().size() == 1);
        CHECK(watch.open()[0].at == 2);
        const auto end = take(watch, good, 5);
        CHECK(lines_of(end) ==
              "resolved server web/s1 is over: down: connect "
              "refused, since 1970-01-01T00:00:02Z\n");
        CHECK(take(watch, good, 6).empty());
        CHECK(watch.open().empty());
    }

    TEST_CASE("what was seen once alone is told neither as a problem nor as its end") {
        AlertWatch watch({});

        for (int i = 0; i < 10; ++i) {
            CHECK(take(watch, one_down, 2 * i).empty());
            CHECK(take(watch, good, 2 * i + 1).empty());
        }
    }

    TEST_CASE("a service without servers is a problem of its own; a drained server is none") {
        AlertWatch watch({});
        const std::string none = status_of({server("s1", "drain"), server("s2", "halt")});

        take(watch, none, 1);
        CHECK(lines_of(take(watch, none, 2)) ==
              "problem service web has no server that can take clients\n");
        const std::string fallback = status_of({server("s1", "drain"), server("f", "fallback")});
        CHECK(lines_of(take(watch, fallback, 3)).starts_with("resolved service web"));
        CHECK(take(watch, R"({"services":[{"name":"empty","servers":[]}]})", 4).empty());
    }

    TEST_CASE("a server that leaves the configuration is no problem any more") {
        AlertWatch watch({});
        take(watch, one_down, 1);
        take(watch, one_down, 2);

        CHECK(lines_of(take(watch, status_of(json::array({server("s2", "up")})), 3))
                  .starts_with("resolved server web/s1"));
    }

    TEST_CASE("a node on standby leaves the servers to the active one, and tells both changes") {
        AlertWatch watch({});
        const json servers = json::array({server("s1", "down")});

        take(watch, status_of(servers, pair("standby", "active", true)), 1);
        CHECK(take(watch, status_of(servers, pair("standby", "active", true)), 2).empty());
        CHECK(lines_of(take(watch, status_of(servers, pair("active", "standby", true)), 3)) ==
              "notice pair lb1 is active now, it was standby\n");
        CHECK(lines_of(take(watch, status_of(servers, pair("active", "standby", true)), 4)) ==
              "problem server web/s1 down\nproblem service web has no server that can take "
              "clients\n");
    }

    TEST_CASE("another node that is silent, and two active ones, are problems of the pair") {
        AlertWatch watch({});
        const json up = json::array({server("s1", "up")});

        take(watch, status_of(up, pair("active", "standby", false)), 1);
        CHECK(lines_of(take(watch, status_of(up, pair("active", "standby", false)), 2)) ==
              "problem pair lb2 is not heard: nobody would take over from this node\n");
        take(watch, status_of(up, pair("active", "active", true)), 3);
        CHECK(lines_of(take(watch, status_of(up, pair("active", "active", true)), 4)) ==
              "problem pair both nodes are active: the pair is split\n");
    }

    TEST_CASE("what replication cannot do is a problem of the pair") {
        AlertWatch watch({});
        const json up = json::array({server("s1", "up")});
        json diverged = pair("active", "standby", true);
        diverged["replication"] = {{"state", "synced"}, {"problem", "both have changed"}};

        take(watch, status_of(up, diverged), 1);
        CHECK(lines_of(take(watch, status_of(up, diverged), 2)) ==
              "problem pair replication both have changed\n");
    }

    TEST_CASE("a certificate is told of when its end is near, and again when it is there") {
        AlertWatch watch({});
        std::array facts{CertificateFacts{.file = "site.crt"}};
        facts[0].not_after = 20 * 86'400;

        CHECK(watch.take_certificates(facts, 0).empty());
        CHECK(lines_of(watch.take_certificates(facts, 10 * 86'400)) ==
              "problem certificate site.crt expires in 10 days, at 1970-01-21T00:00:00Z\n");
        CHECK(watch.take_certificates(facts, 11 * 86'400).empty());
        CHECK(lines_of(watch.take_certificates(facts, 20 * 86'400)) ==
              "problem certificate site.crt has expired at 1970-01-21T00:00:00Z\n");
        facts[0].not_after = 400 * 86'400;
        CHECK(lines_of(watch.take_certificates(facts, 21 * 86'400)).starts_with("resolved"));
        facts[0].error = "no such file";
        CHECK(lines_of(watch.take_certificates(facts, 22 * 86'400)) ==
              "problem certificate site.crt cannot be read: no such file\n");
    }

    TEST_CASE("a refused configuration is told, and the one that is taken after it") {
        AlertWatch watch({});

        CHECK(watch.take_reload("", 1).empty());
        CHECK(lines_of(watch.take_reload("line 3: unknown key", 2)) ==
              "problem config poise.yaml was refused: line 3: unknown key\n");
        CHECK(watch.take_reload("line 3: unknown key", 3).empty());
        CHECK(lines_of(watch.take_reload("", 4)).starts_with("resolved config poise.yaml"));
    }

    TEST_CASE("only what is wanted is told") {
        config::Alerts settings;
        settings.events = {config::AlertKind::service};
        AlertWatch watch(settings);
        const std::string down = status_of(json::array({server("s1", "down")}));

        take(watch, down, 1);
        CHECK(lines_of(take(watch, down, 2)) ==
              "problem service web has no server that can take clients\n");
        CHECK(watch.take_reload("wrong", 3).empty());
    }

    TEST_CASE("no status, half a status and another one's JSON change nothing") {
        AlertWatch watch({});
        take(watch, one_down, 1);
        take(watch, one_down, 2);

        CHECK(take(watch, "", 3).empty());
        CHECK(take(watch, "{\"services\":", 4).empty());
        CHECK(take(watch, "[1]", 5).empty());
        CHECK(watch.open().size() == 1);
    }
}
