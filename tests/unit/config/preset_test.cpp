// What presets stand for, and that what is written goes before them.
#include "config/preset.hpp"

#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace poise::config;
using namespace std::chrono_literals;

namespace {

Service with(const std::string& lines) {
    return loaded(service_with(lines)).services[0];
}

const Service& named(const Config& config, std::string_view name) {
    const auto found = std::ranges::find(config.services, name, &Service::name);
    REQUIRE(found != config.services.end());
    return *found;
}

}  // namespace

TEST_SUITE("config/preset") {
    TEST_CASE("without a preset nothing changes") {
        CHECK(with("    preset: none\n") == with(""));
    }

    TEST_CASE("exchange makes a pool of each virtual directory") {
        struct Row {
            std::string name;
            std::string path;
            milliseconds response;
            milliseconds idle;
            PersistenceMethod method;
        };
        constexpr milliseconds unlimited = 365 * 24h;
        const Row rows[] = {
            {"web-owa", "/owa", 120s, 5min, PersistenceMethod::none},
            {"web-ecp", "/ecp", 120s, 5min, PersistenceMethod::none},
            {"web-mapi", "/mapi", unlimited, 30min, PersistenceMethod::none},
            {"web-rpc", "/rpc", unlimited, 10h, PersistenceMethod::source},
            {"web-activesync", "/Microsoft-Server-ActiveSync", 65min, 65min,
             PersistenceMethod::none},
            {"web-ews", "/ews", 35min, 35min, PersistenceMethod::none},
            {"web-oab", "/oab", 60s, 5min, PersistenceMethod::none},
            {"web-autodiscover", "/autodiscover", 60s, 5min, PersistenceMethod::none},
        };
        const Config config = loaded(service_with("    preset: exchange\n"));
        REQUIRE(config.services.size() == 1 + std::size(rows));
        const Service& web = config.services[0];
        CHECK(web.timeouts.response == 120s);
        CHECK(web.timeouts.idle == 5min);
        CHECK(web.health.check == CheckKind::tcp);
        REQUIRE(web.rules.size() == std::size(rows));
        for (std::size_t i = 0; i < std::size(rows); ++i) {
            const Row& row = rows[i];
            CAPTURE(row.name);
            CHECK(web.rules[i].use == row.name);
            CHECK(web.rules[i].match.path_prefix == std::vector{row.path});
            CHECK(web.rules[i].match.ignore_case);
            const Service& made = named(config, row.name);
            CHECK(made.listen.empty());
            CHECK(made.servers == web.servers);
            CHECK(made.timeouts.response == row.response);
            CHECK(made.timeouts.idle == row.idle);
            CHECK(made.health.check == CheckKind::http);
            CHECK(made.health.path == row.path + "/healthcheck.htm");
            CHECK(made.health.expect == std::vector{200});
            CHECK(made.persistence.method == row.method);
        }
    }

    TEST_CASE("what the service writes goes before its preset") {
        const Config config = loaded(service_with(
            "    preset: exchange\n    persistence: cookie\n    timeouts: {response: 3m, connect: "
            "1s}\n    health: {interval: 7s}\n    rules: [{match: {path: /ews/x}, timeouts: {idle: "
            "1h}}]\n"));
        const Service& web = config.services[0];
        CHECK(web.timeouts.response == 3min);
        CHECK(web.rules.size() == 9);
        CHECK(web.rules[0].match.path == std::vector<std::string>{"/ews/x"});
        CHECK(named(config, "web-owa").timeouts.response == 3min);
        CHECK(named(config, "web-owa").timeouts.idle == 5min);
        CHECK(named(config, "web-ews").timeouts.response == 35min);
        CHECK(named(config, "web-ews").timeouts.connect == 1s);
        CHECK(named(config, "web-ews").health.interval == 7s);
        CHECK(named(config, "web-ews").health.check == CheckKind::http);
        CHECK(named(config, "web-rpc").persistence.method == PersistenceMethod::cookie);
        CHECK(named(config, "web-rpc").persistence.name == "POISE-rpc");
        CHECK(named(config, "web-owa").persistence.name == "POISE-owa");
        const Config plain = loaded(service_with("    preset: exchange\n    health: tcp\n"));
        CHECK(named(plain, "web-owa").health.check == CheckKind::tcp);
    }

    TEST_CASE("a preset goes before the defaults of all services") {
        const Config config = loaded(
            "defaults: {timeouts: {idle: 7s, header: 3s}, health: {check: dns, query: a}}\n" +
            service_with("    preset: exchange\n"));
        CHECK(config.services[0].timeouts.idle == 5min);
        CHECK(config.services[0].timeouts.header == 3s);
        CHECK(named(config, "web-owa").health.check == CheckKind::http);
    }

    TEST_CASE("the other presets set what their clients need") {
        const Service mail = with("    preset: exchange\n    protocol: tcp\n");
        CHECK(mail.timeouts.idle == 30min);
        CHECK(mail.rules.empty());

        const Service files = with("    preset: sharepoint\n");
        CHECK(files.timeouts.response == 5min);
        CHECK(files.timeouts.idle == 5min);
        CHECK(files.timeouts.min_rate == 1'000);

        const Service lync = with("    preset: lync\n    persistence: cookie\n");
        CHECK(lync.timeouts.response == 20min);
        CHECK(lync.timeouts.idle == 30min);
        CHECK(lync.health.port == 5061);
        CHECK(lync.persistence.name == "MS-WSMAN");
        CHECK_FALSE(lync.persistence.http_only);
        const Service sip = with("    preset: lync\n    protocol: tcp\n");
        CHECK(sip.timeouts.idle == 30min);
        CHECK_FALSE(sip.health.port);

        Service desks = with("    preset: rdp\n");
        desks.preset = Preset::none;
        CHECK(desks == with("    protocol: rdp\n"));

        const Service gateway = with("    preset: rdgateway\n");
        CHECK(gateway.timeouts.response == milliseconds(365 * 24h));
        CHECK(gateway.timeouts.idle == 12h);
        CHECK(gateway.persistence.method == PersistenceMethod::source);
        CHECK(gateway.persistence.timeout == 12h);
    }

    TEST_CASE("the effective output is the same configuration without its preset") {
        for (const std::string preset : {"exchange", "sharepoint", "lync", "rdp", "rdgateway"}) {
            CAPTURE(preset);
            Config config = loaded(service_with("    preset: " + preset + "\n"));
            const std::string text = effective_yaml(config);
            CHECK_FALSE(text.contains("preset"));
            config.services[0].preset = Preset::none;
            CHECK(loaded(text) == config);
        }
    }

    TEST_CASE("what does not fit a preset is told at its place") {
        CHECK(config_errors(service_with("    preset: rdp\n    protocol: tcp\n")) ==
              "3:13 preset rdp is for protocol rdp, but service 'web' has tcp | leave 'protocol' "
              "out");
        CHECK(config_errors(service_with("    preset: exchange\n") +
                            "  web-owa: {listen: \":81\", servers: a:1}\n") ==
              "3:13 preset exchange makes a service 'web-owa', but there is one | give one of them "
              "another name");
        // An error of the owner is told once, not once for each directory.
        CHECK(config_errors(service_with("    preset: exchange\n    fallback: b\n")) ==
              "4:15 'b' has no port | such as b:80");
    }
}
