#include "config/diagnostic.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace poise::config;

TEST_SUITE("config/diagnostic") {
    constexpr std::array<std::string_view, 3> schedulers{"roundrobin", "least_conn", "source"};

    TEST_CASE("an unknown word names its place and the nearest allowed word") {
        const auto d = unknown_word({"poise.yaml", 12, 15}, "scheduler", "leastcon", schedulers);
        CHECK(to_string(d) ==
              "poise.yaml:12:15: error: unknown scheduler 'leastcon'\n"
              "  hint: did you mean 'least_conn'?");
    }

    TEST_CASE("what is wrong with a file as a whole has no line in it") {
        CHECK(to_string({{"poise.yaml", 0, 0}, "the file does not exist", ""}) ==
              "poise.yaml: error: the file does not exist");
    }

    TEST_CASE("a word near to nothing gets the whole list") {
        const auto d = unknown_word({"poise.yaml", 1, 1}, "scheduler", "magic", schedulers);
        CHECK(d.hint == "one of: roundrobin, least_conn, source");
    }

    TEST_CASE("in a short word only one edit counts as near") {
        constexpr std::array<std::string_view, 3> words{"rr", "lc", "wlc"};
        CHECK(unknown_word({}, "scheduler", "wlcc", words).hint == "did you mean 'wlc'?");
        CHECK(unknown_word({}, "scheduler", "xy", words).hint == "one of: rr, lc, wlc");
    }

    TEST_CASE("a report is in the file's order and keeps what was found first at one place") {
        Report report;
        report.add({{"f", 3, 1}, "c", ""});
        report.add({{"f", 1, 9}, "b1", ""});
        report.add({{"f", 1, 9}, "b2", ""});
        report.add({{"f", 1, 2}, "a", ""});

        const auto found = report.take();

        REQUIRE(found.size() == 4);
        CHECK(found[0].message == "a");
        CHECK(found[1].message == "b1");
        CHECK(found[2].message == "b2");
        CHECK(found[3].message == "c");
        CHECK(report.empty());
    }

    TEST_CASE("a report shows a hundred errors and counts the rest") {
        Report report;
        for (int i = 0; i < 150; ++i)
            report.add({{"f", i + 1, 1}, "bad", ""});

        const auto found = report.take();

        REQUIRE(found.size() == 101);
        CHECK(found.back().message == "50 more errors from here on are not shown");
        CHECK(found.back().at.line == 101);
    }

    TEST_CASE("a full report drops what is added and says so") {
        Report report;
        for (int i = 0; i < 5'000; ++i)
            report.add({{"f", i + 1, 1}, "bad", ""});

        CHECK(report.full());
        CHECK(report.take().back().message ==
              "at least 900 more errors from here on are not shown");
    }
}
