#include "app/text.hpp"

#include <doctest/doctest.h>

using namespace poise::app;
using std::chrono::seconds;
using TimePoint = std::chrono::system_clock::time_point;

TEST_SUITE("app/text") {
    TEST_CASE("lines come without line feeds, a last empty one is left out") {
        CHECK(lines_of("").empty());
        CHECK(lines_of("a") == std::vector<std::string>{"a"});
        CHECK(lines_of("a\n") == std::vector<std::string>{"a"});
        CHECK(lines_of("a\n\nb\n") == std::vector<std::string>{"a", "", "b"});
        CHECK(lines_of("\n") == std::vector<std::string>{""});
    }

    TEST_CASE("control bytes are escaped, all else stays") {
        CHECK(printable("a b\tc\x1b[2J\x7f") == "a b\\x09c\\x1b[2J\\x7f");
        CHECK(printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    }

    TEST_CASE("a line is cut to a width, in columns and not in bytes") {
        CHECK(clipped("abcdef", 0) == "abcdef");
        CHECK(clipped("abcdef", 6) == "abcdef");
        CHECK(clipped("abcdef", 5) == "abcd…");
        CHECK(clipped("äöüäöü", 6) == "äöüäöü");
        CHECK(clipped("äöüäöü", 5) == "äöüä…");
        CHECK(clipped("abcdef", 1) == "…");
        CHECK(clipped("", 1).empty());
    }

    TEST_CASE("colours take no room and end with a cut") {
        CHECK(clipped("\x1b[31mabc\x1b[0m", 3) == "\x1b[31mabc\x1b[0m");
        CHECK(clipped("\x1b[31mabc\x1b[0m", 2) == "\x1b[31ma…\x1b[0m");
        CHECK(clipped("abc\x1b[", 3) == "abc\x1b[");
    }

    TEST_CASE("a time is written and read back to the second") {
        const TimePoint at{seconds(1'700'000'000)};
        CHECK(time_text(at) == "2023-11-14T22:13:20Z");
        CHECK(parse_time("2023-11-14T22:13:20Z") == at);
        CHECK(parse_time(time_text(TimePoint())) == TimePoint());
    }

    TEST_CASE("what is no such time is none") {
        for (const char* text : {"", "now", "2023-11-14", "2023-11-14T22:13:20", "1700000000",
                                 "2023-11-14T22:13:20Zulu", "2023-13-14T22:13:20Z"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_time(text).has_value());
        }
    }
}
