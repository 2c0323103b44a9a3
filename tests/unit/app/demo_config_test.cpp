// The demo's places, its configuration and what it tells to try.
#include "app/demo_config.hpp"

#include "app/text.hpp"
#include "config/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace poise;
using namespace poise::app;

namespace {

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("app/demo_config") {
    TEST_CASE("the demo takes the port and the next one") {
        const auto places = demo_places(":8080");
        REQUIRE(places.has_value());
        CHECK(places->demo == ":8080");
        CHECK(places->sticky == ":8081");
        CHECK(places->demo_url == "http://localhost:8080");
        CHECK(demo_places("127.0.0.1:80")->sticky_url == "http://127.0.0.1:81");
        CHECK(demo_places("8080")->demo == ":8080");
        for (const char* bad : {"", ":", ":0", ":65535", "localhost", ":8a", ":-1"}) {
            CAPTURE(bad);
            CHECK_FALSE(demo_places(bad).has_value());
        }
    }

    TEST_CASE("its configuration loads") {
        const auto config = config::parse_config(demo_yaml(*demo_places(":8080"), {1, 2, 3}), "d");
        REQUIRE(config.has_value());
        CHECK(config->services.size() == 2);
        CHECK(config->services[0].servers.size() == 3);
    }

    // With two workers separate connections do not meet the servers in turn.
    TEST_CASE("it promises no order that two workers do not keep") {
        const std::string text = demo_text(*demo_places(":8080"), {});
        CHECK_FALSE(holds(text, "red, green, blue"));
        CHECK(holds(text, "curl http://localhost:8080 "));
        CHECK(holds(text, "each answer names its server"));
    }

    TEST_CASE("its commands are those that work in another terminal, in 80 columns") {
        const std::string text = demo_text(*demo_places(":8080"), {.has_control = true});
        for (const std::string& line : lines_of(text)) {
            CAPTURE(line);
            CHECK(line.size() <= 80);
        }
        CHECK(holds(text, "  poise status --watch "));

        const std::string elsewhere =
            demo_text(*demo_places(":8080"), {.poise = "/opt/poise",
                                              .control = " --control /tmp/s",
                                              .has_control = true,
                                              .has_keys = true});
        CHECK(holds(elsewhere, "  /opt/poise status --watch --control /tmp/s\n"));
        CHECK(holds(elsewhere, "  /opt/poise why --control /tmp/s "));
        CHECK(holds(elsewhere, "Keys here"));
        CHECK_FALSE(holds(demo_text(*demo_places(":8080"), {}), "poise status"));
    }
}
