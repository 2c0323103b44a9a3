#include "config/units.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace poise::config;
using std::chrono::milliseconds;

TEST_SUITE("config/units") {
    TEST_CASE("a duration is read with its unit and written back the shortest way") {
        struct Row {
            std::string_view text;
            std::int64_t ms;
            std::string_view written;
        };
        const Row rows[] = {
            {"200ms", 200, "200ms"},
            {"2s", 2'000, "2s"},
            {"2000ms", 2'000, "2s"},
            {"90s", 90'000, "90s"},
            {"30m", 1'800'000, "30m"},
            {"60m", 3'600'000, "1h"},
            {"1h", 3'600'000, "1h"},
            {"7d", 604'800'000, "7d"},
            {"0s", 0, "0s"},
            {"0ms", 0, "0s"},
            {"3660d", 316'224'000'000, "3660d"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto value = parse_duration(row.text);
            REQUIRE(value);
            CHECK(*value == milliseconds(row.ms));
            CHECK(format_duration(*value) == row.written);
        }
    }

    TEST_CASE("what is no duration is refused, with a hint where the meaning is plain") {
        struct Row {
            std::string_view text;
            std::string_view message;
            std::string_view hint;
        };
        const Row rows[] = {
            {"5", "must be a duration with a unit, found '5'", "write 5s"},
            {"0", "must be a duration with a unit, found '0'", "write 0s"},
            {"5 s", "must be a duration such as 200ms, 2s, 30m or 1h, found '5 s'", "write 5s"},
            {"1.5s", "must be a duration such as 200ms, 2s, 30m or 1h, found '1.5s'", ""},
            {"-5s", "must be a duration such as 200ms, 2s, 30m or 1h, found '-5s'", ""},
            {"soon", "must be a duration such as 200ms, 2s, 30m or 1h, found 'soon'", ""},
            {"", "must be a duration such as 200ms, 2s, 30m or 1h, found ''", ""},
            {"5S", "must be a duration such as 200ms, 2s, 30m or 1h, found '5S'", ""},
            {"1h30m", "must be a duration such as 200ms, 2s, 30m or 1h, found '1h30m'", ""},
            {"3661d", "must be a duration such as 200ms, 2s, 30m or 1h, found '3661d'",
             "the longest duration is 3660d"},
            {"99999999999999999999s",
             "must be a duration such as 200ms, 2s, 30m or 1h, found '99999999999999999999s'", ""},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto value = parse_duration(row.text);
            REQUIRE_FALSE(value);
            CHECK(value.error().message == row.message);
            CHECK(value.error().hint == row.hint);
        }
    }

    TEST_CASE("a size is read with its unit and written back the shortest way") {
        struct Row {
            std::string_view text;
            std::uint64_t bytes;
            std::string_view written;
        };
        const Row rows[] = {{"0", 0, "0"},
                            {"0B", 0, "0"},
                            {"512B", 512, "512B"},
                            {"64KiB", 65'536, "64KiB"},
                            {"1024KiB", 1'048'576, "1MiB"},
                            {"2GiB", 2'147'483'648, "2GiB"},
                            {"1TiB", 1'099'511'627'776, "1TiB"},
                            {"1000B", 1'000, "1000B"}};
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto value = parse_size(row.text);
            REQUIRE(value);
            CHECK(*value == row.bytes);
            CHECK(format_size(*value) == row.written);
        }
    }

    TEST_CASE("what is no size is refused, with a hint where the meaning is plain") {
        struct Row {
            std::string_view text;
            std::string_view message;
            std::string_view hint;
        };
        const Row rows[] = {
            {"65536", "must be a size with a unit, found '65536'", "write 64KiB"},
            {"64k", "must be a size such as 512B, 64KiB or 1MiB, found '64k'", "write 64KiB"},
            {"1MB", "must be a size such as 512B, 64KiB or 1MiB, found '1MB'", "write 1MiB"},
            {"1 GiB", "must be a size such as 512B, 64KiB or 1MiB, found '1 GiB'", "write 1GiB"},
            {"big", "must be a size such as 512B, 64KiB or 1MiB, found 'big'", ""},
            {"-1B", "must be a size such as 512B, 64KiB or 1MiB, found '-1B'", ""},
            {"9999999999TiB", "must be a size such as 512B, 64KiB or 1MiB, found '9999999999TiB'",
             ""},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto value = parse_size(row.text);
            REQUIRE_FALSE(value);
            CHECK(value.error().message == row.message);
            CHECK(value.error().hint == row.hint);
        }
    }

    TEST_CASE("a text in quotes cannot disturb a terminal or fill a log") {
        CHECK(quote("web") == "'web'");
        CHECK(quote("a\x1b[31m\n") == "'a\\x1b[31m\\x0a'");
        CHECK(quote(std::string(61, 'a')) == "'" + std::string(60, 'a') + "...'");
        CHECK(quote(std::string(59, 'a') + "\xc3\xa9") == "'" + std::string(59, 'a') + "...'");
        CHECK(quote(std::string(1'000'000, '\xbf')) == "'...'");
    }
}
