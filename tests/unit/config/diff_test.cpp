#include "config/diff.hpp"

#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using namespace poise::config;
using namespace std::chrono_literals;

TEST_SUITE("config/diff") {
    TEST_CASE("equal configurations have no difference, whatever the order") {
        const Config a = loaded(
            "services:\n  x: {listen: \":1\", servers: [a:1, b:1]}\n"
            "  y: {listen: \":2\", servers: a:1}\n");
        const Config b = loaded(
            "services:\n  y: {listen: \":2\", servers: a:1}\n"
            "  x: {listen: \":1\", servers: [b:1, a:1]}\n");
        CHECK(compare(a, a).empty());
        CHECK(compare(a, b).empty());
        CHECK(to_string(compare(a, b)) == "nothing changed\n");
    }

    TEST_CASE("what changed is named service by service") {
        const Config before = loaded(
            "services:\n"
            "  gone: {listen: \":1\", servers: a:1}\n"
            "  web:\n"
            "    listen: [\":80\", \":81\"]\n"
            "    servers: [a:1, b:1, {name: c, address: \"c:1\"}]\n"
            "    retries: 1\n");
        const Config after = loaded(
            "services:\n"
            "  web:\n"
            "    listen: [\":80\", {address: \":82\", proxy_protocol: true}]\n"
            "    trusted_proxies: 10.0.0.0/8\n"
            "    servers: [a:1, {name: c, address: \"c:1\", weight: 5}, d:1]\n"
            "    timeouts: {connect: 1s}\n"
            "  new: {listen: \":1\", servers: a:1}\n");

        const Diff diff = compare(before, after);

        REQUIRE(diff.services_added.size() == 1);
        CHECK(diff.services_added[0] == after.services[1]);
        CHECK(to_string(diff) ==
              "service new added\n"
              "service gone removed\n"
              "service web: listener [::]:82 (PROXY protocol) added\n"
              "service web: listener [::]:81 removed\n"
              "service web: server d:1 added\n"
              "service web: server b:1 removed\n"
              "service web: server c changed\n"
              "service web: changed timeouts, trusted_proxies, retries\n");
    }

    TEST_CASE("no setting of a service can change unseen") {
        struct Row {
            std::string name;
            std::function<void(Service&)> change;
        };
        const Row rows[] = {
            {"mode", [](Service& s) { s.mode = Mode::dr; }},
            {"protocol", [](Service& s) { s.protocol = Protocol::tcp; }},
            {"preset", [](Service& s) { s.preset = Preset::lync; }},
            {"scheduler", [](Service& s) { s.scheduler = Algorithm::rr; }},
            {"slow_start", [](Service& s) { s.slow_start = 1s; }},
            {"timeouts", [](Service& s) { s.timeouts.drain = 1s; }},
            {"limits", [](Service& s) { s.limits.body_bytes = 1; }},
            {"health", [](Service& s) { s.health.query = "x"; }},
            {"agent", [](Service& s) { s.agent.emplace(); }},
            {"persistence", [](Service& s) { s.persistence.mask = 1; }},
            {"forwarded", [](Service& s) { s.forwarded = Forwarded::off; }},
            {"trusted_proxies", [](Service& s) { s.trusted_proxies.emplace_back(); }},
            {"send_proxy", [](Service& s) { s.send_proxy = ProxyProtocol::v1; }},
            {"retries", [](Service& s) { s.retries = 9; }},
            {"expect_replies", [](Service& s) { s.expect_replies = 1; }},
            {"rules", [](Service& s) { s.rules.emplace_back(); }},
            {"fallback", [](Service& s) { s.fallback.emplace(); }},
        };
        const Config before = loaded(service_with(""));
        for (const Row& row : rows) {
            CAPTURE(row.name);
            Config after = before;
            row.change(after.services[0]);

            const Diff diff = compare(before, after);

            REQUIRE(diff.services_changed.size() == 1);
            CHECK(diff.services_changed[0].settings == std::vector{row.name});
            CHECK_FALSE(compare(after, before).empty());
        }
    }
}
