// The page of metrics, read as strictly as Prometheus reads it.
#include "admin/metrics.hpp"

#include "tests/unit/admin/fake_program.hpp"

#include <regex>
#include <set>
#include <sstream>

using namespace poise::admin;
using namespace poise::admin::test;

namespace {

// Every line is a comment of a new metric or a sample of the metric above; none comes twice.
void check_format(const std::string& page) {
    const std::regex sample(
        R"re(([a-z_:][a-z0-9_:]*)(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.e+-]+)re");
    std::set<std::string> metrics;
    std::set<std::string> series;
    std::string now;
    std::istringstream lines(page);
    CHECK(page.ends_with('\n'));
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        if (line.starts_with("# HELP ")) {
            now = line.substr(7, line.find(' ', 7) - 7);
            CHECK(metrics.insert(now).second);
        } else if (line.starts_with("# TYPE ")) {
            CHECK(line.substr(7, now.size() + 1) == now + " ");
        } else {
            std::smatch parts;
            REQUIRE(std::regex_match(line, parts, sample));
            CHECK(parts[1] == now);
            CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
        }
    }
}

}  // namespace

TEST_SUITE("admin/metrics") {
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

    TEST_CASE("figures of the process are there") {
        const std::string page = process_metrics();
        check_format(page);
        CHECK(page.find("process_resident_memory_bytes") != std::string::npos);
    }
}
