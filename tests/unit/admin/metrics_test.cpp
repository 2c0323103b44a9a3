// The page of metrics, read as strictly as Prometheus reads it.
#include "admin/metrics.hpp"

#include "tests/unit/admin/fake_program.hpp"

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

using namespace poise::admin;
using namespace poise::admin::test;
using nlohmann::json;

namespace {

// Every line is a comment of a new metric or a sample of the metric above; none comes twice.
void check_format(const std::string& page) {
    const std::regex sample(
        R"re(([a-z_:][a-z0-9_:]*)(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.e+-]+)re");
    std::set<std::string> metrics;
    std::set<std::string> series;
    std::string now, type;
    std::istringstream lines(page);
    CHECK(page.ends_with('\n'));
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        if (line.starts_with("# HELP ")) {
            now = line.substr(7, line.find(' ', 7) - 7);
            CHECK(metrics.insert(now).second);
        } else if (line.starts_with("# TYPE ")) {
            CHECK(line.substr(7, now.size() + 1) == now + " ");
            type = line.substr(8 + now.size());
        } else {
            std::smatch parts;
            REQUIRE(std::regex_match(line, parts, sample));
            if (type == "histogram") {
                const std::string part = parts[1].str().substr(std::min(now.size(), line.size()));
                CHECK(parts[1].str().starts_with(now));
                CHECK((part == "_bucket" || part == "_sum" || part == "_count"));
            } else {
                CHECK(parts[1] == now);
            }
            CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
        }
    }
}

}  // namespace

TEST_SUITE("admin/metrics") {
    TEST_CASE(
        "layer 4: flows, and a counter for each reason why a packet of no service was dropped") {
        json status = json::parse(one_service);
        status["packets_dropped"] = {{"malformed", 3}, {"ring_full", 70}};
        status["layer4"] = {{"flows", 9}, {"fast_flows", 4}, {"no_fast_path", ""}};
        const std::string page = metrics_text(status.dump(), {});
        check_format(page);
        CHECK(page.find("poise_flows 9\n") != std::string::npos);
        CHECK(page.find("poise_fast_flows 4\n") != std::string::npos);
        CHECK(page.find("poise_packets_dropped_total{reason=\"malformed\"} 3\n") !=
              std::string::npos);
        CHECK(page.find("poise_packets_dropped_total{reason=\"ring_full\"} 70\n") !=
              std::string::npos);
    }

    TEST_CASE("the page has the form that Prometheus reads") {
        const std::string page = metrics_text(one_service, {});
        check_format(page);
        for (const char* line :
             {"poise_up 1\n", "poise_server_up{service=\"web\",server=\"web1\"} 1\n",
              "poise_service_responses_total{service=\"web\",class=\"5xx\"} 1\n",
              "poise_service_failures_total{service=\"web\",reason=\"no_server\"} 1\n",
              "poise_server_response_seconds{service=\"web\",server=\"web1\"} 0.0015\n"}) {
            CAPTURE(line);
            CHECK(page.find(line) != std::string::npos);
        }
    }

    TEST_CASE("a program that does not answer is down, and the page goes on") {
        check_format(metrics_text("", {}));
        CHECK(metrics_text("", {}).find("poise_up 0\n") != std::string::npos);
    }

    TEST_CASE("names with quotes and line feeds stay inside their label") {
        check_format(metrics_text(
            R"({"services":[{"name":"a\"b\\c\nd","servers":[{"name":"\"","state":"up"}]}]})", {}));
    }

    TEST_CASE("response times are histograms: cumulative, in seconds, up to +Inf") {
        const std::string page = metrics_text(
            R"({"services":[{"name":"web","protocol":"http","latency":{"head":{"count":5,)"
            R"("sum_us":2500000,"within_us":[[64,0],[128,2],[1048576,4]]}}}]})",
            {});
        check_format(page);
        for (const char* line :
             {"# TYPE poise_service_response_head_seconds histogram\n",
              "poise_service_response_head_seconds_bucket{service=\"web\",le=\"6.4e-05\"} 0\n",
              "poise_service_response_head_seconds_bucket{service=\"web\",le=\"0.000128\"} 2\n",
              "poise_service_response_head_seconds_bucket{service=\"web\",le=\"1.048576\"} 4\n",
              "poise_service_response_head_seconds_bucket{service=\"web\",le=\"+Inf\"} 5\n",
              "poise_service_response_head_seconds_sum{service=\"web\"} 2.5\n",
              "poise_service_response_head_seconds_count{service=\"web\"} 5\n"}) {
            CAPTURE(line);
            CHECK(page.find(line) != std::string::npos);
        }
        CHECK(page.find("poise_service_response_seconds") == std::string::npos);
    }

    TEST_CASE("numbers of the pair are exported, those of replication under its name") {
        json status = json::parse(one_service);
        status["pair"] = {
            {"epoch", 4}, {"node", "lb1"}, {"replication", {{"lag_ms", 12.5}, {"entries", 7}}}};
        const std::string page = metrics_text(status.dump(), {});
        check_format(page);
        for (const char* line : {"poise_pair_epoch 4\n", "poise_pair_replication_lag_ms 12.5\n",
                                 "poise_pair_replication_entries 7\n"})
            CHECK(page.contains(line));
    }

    TEST_CASE("alerts are counted by where they go") {
        const std::string page = metrics_text(
            one_service, {},
            R"({"open":[{},{}],"places":[{"name":"mail","sent":3,"failed_tries":2,"dropped":1}]})");
        check_format(page);
        CHECK(page.find("poise_alerts_open 2\n") != std::string::npos);
        CHECK(page.find("poise_alerts_sent_total{place=\"mail\"} 3\n") != std::string::npos);
    }

    TEST_CASE("the dashboard asks for nothing that is not exported") {
        json status = json::parse(one_service);
        status["services"][0]["latency"] = {{"head", {{"count", 1}}}, {"total", {{"count", 1}}}};
        const std::array certificates{CertificateFacts{.file = "site.crt", .not_after = 1}};
        const std::string page = metrics_text(status.dump(), certificates,
                                              R"({"open":[],"places":[{"name":"m","sent":0,)"
                                              R"("failed_tries":0,"dropped":0}]})") +
                                 process_metrics();
        std::ifstream file(POISE_SOURCE_DIR "/packaging/grafana/poise.json");
        const json dashboard = json::parse(file);
        const std::regex metric("(poise|process)_[a-z_]+");
        std::set<std::string> named;
        for (const json& panel : dashboard["panels"]) {
            for (const json& target : panel["targets"]) {
                const std::string query = target["expr"];
                CAPTURE(query);
                std::smatch found;
                REQUIRE(std::regex_search(query, found, metric));
                named.insert(std::regex_replace(found.str(), std::regex("_bucket$"), ""));
            }
        }
        CHECK(named.size() >= 12);
        for (const std::string& name : named) {
            CAPTURE(name);
            CHECK(page.find("# TYPE " + name + " ") != std::string::npos);
        }
    }

    TEST_CASE("figures of the process are there") {
        const std::string page = process_metrics();
        check_format(page);
        CHECK(page.find("process_resident_memory_bytes") != std::string::npos);
    }
}
