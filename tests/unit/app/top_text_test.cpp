// The picture of `poise top`: rates of two statuses, the order, and what has no rate.
#include "app/top_text.hpp"

#include "app/text.hpp"

#include <doctest/doctest.h>

using namespace poise::app;
using namespace std::chrono_literals;

namespace {

ServiceStatus service(const std::string& name, std::uint64_t requests) {
    ServiceStatus made;
    made.name = name;
    made.protocol = "http";
    made.requests = requests;
    made.servers = {{.name = "s1", .state = "up", .successes = requests},
                    {.name = "s2", .state = "down", .reason = "connect refused"}};
    return made;
}

Status status(std::vector<ServiceStatus> services) {
    Status made;
    made.node = "lb1";
    made.services = std::move(services);
    return made;
}

std::string line_with(const std::string& text, const std::string& part) {
    for (const std::string& line : lines_of(text))
        if (line.find(part) != std::string::npos) return line;
    return {};
}

}  // namespace

TEST_SUITE("app/top_text") {
    TEST_CASE("counts become rates, and the busiest service comes first") {
        Status before = status({service("quiet", 100), service("busy", 1'000)});
        Status now = status({service("quiet", 104), service("busy", 5'000)});
        now.services[1].failures = {{"no_server", 20}};
        now.services[1].head_time.p99_us = 12'300;

        const std::string text = top_text(before, now, 2s, {});
        CHECK(text.find("\nbusy") < text.find("\nquiet"));
        CHECK(line_with(text, "busy") ==
              "busy              1/2     2.0k      10       0       0        0        -   12.3ms");
        CHECK(line_with(text, "quiet").find("    2.0 ") != std::string::npos);
        CHECK(line_with(text, "s2").find("down") != std::string::npos);
        CHECK(line_with(text, "s2").ends_with("connect refused"));
        CHECK(top_text(before, now, 2s, {.servers = false}).find("s2") == std::string::npos);
        CHECK(top_text(before, now, 2s, {.order = TopOrder::name}).find("\nbusy") != 0);
        now.services[0].head_time.p99_us = 99'000;
        const std::string slowest = top_text(before, now, 2s, {.order = TopOrder::p99});
        CHECK(slowest.find("\nquiet") < slowest.find("\nbusy"));
    }

    TEST_CASE("what is new, or has counted anew, has no rate") {
        const Status before = status({service("web", 100)});
        const Status now = status({service("web", 3), service("shop", 7)});

        const std::string text = top_text(before, now, 1s, {});
        CHECK(line_with(text, "web").find("       -") != std::string::npos);
        CHECK(line_with(text, "shop").find("       -") != std::string::npos);
        CHECK(line_with(top_text(before, before, 0s, {}), "web").find("       -") !=
              std::string::npos);
    }

    TEST_CASE("no line is wider than the terminal, and nothing in it moves the cursor") {
        Status now = status({service("web\x1b[2J", 1)});
        now.services[0].servers[1].reason = std::string(200, 'x') + "\x1b[31m";

        const std::string text = top_text(now, now, 1s, {.columns = 60});
        CHECK(text.find('\x1b') == std::string::npos);
        for (const std::string& line : lines_of(text))
            CHECK(line.size() <= 62);  // the mark of a cut is three bytes in one column
    }
}
