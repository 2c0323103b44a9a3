#include "admin/history.hpp"

#include "tests/unit/admin/fake_program.hpp"

#include <algorithm>

using namespace poise::admin;
using namespace poise::admin::test;

namespace {

constexpr std::int64_t start = 1'800'000'000;

float last(const HistoryRange& range, std::size_t value) {
    return range.values[value].back().value_or(-1);
}

std::size_t known(const HistoryRange& range) {
    return static_cast<std::size_t>(
        std::ranges::count_if(range.values[0], [](const auto& one) { return one.has_value(); }));
}

}  // namespace

TEST_SUITE("admin/history") {
    TEST_CASE("counters become rates, and a restart begins anew") {
        History history("");
        history.add("web", {.requests = 100, .sessions = 4}, start);
        history.add("web", {.requests = 150, .sessions = 6}, start + 10);
        const auto hour = history.read("web", "hour", start + 10);
        REQUIRE(hour);
        CHECK(last(*hour, 0) == doctest::Approx(5));
        CHECK(last(*hour, 4) == doctest::Approx(6));
        CHECK(known(*hour) == 1);

        history.add("web", {.requests = 3}, start + 20);  // the process has started again
        CHECK_FALSE(history.read("web", "hour", start + 20)->values[0].back());
    }

    TEST_CASE("a coarser point is the mean of its samples; gaps are gaps") {
        History history("");
        double requests = 0;
        for (int i = 0; i <= 12; ++i, requests += i % 2 == 0 ? 10 : 30)
            history.add("web", {.requests = requests}, start + i * 10);
        const auto day = history.read("web", "day", start + 119);
        REQUIRE(day);
        CHECK(last(*day, 0) == doctest::Approx(2).epsilon(0.1));
        CHECK(known(*history.read("web", "hour", start + 4'000)) == 0);
        CHECK(known(*history.read("web", "year", start + 4'000)) == 1);
    }

    TEST_CASE("it outlives a restart in a file that does not grow") {
        const Folder folder;
        const auto size = [&] { return std::filesystem::file_size(folder.file("web.series")); };
        {
            History history(folder.path.string());
            history.add("web", {.requests = 0}, start);
            history.add("web", {.requests = 70}, start + 10);
        }
        const auto before = size();
        History history(folder.path.string());
        CHECK(last(*history.read("web", "hour", start + 10), 0) == doctest::Approx(7));
        for (int i = 2; i < 2'000; ++i)
            history.add("web", {.requests = 70.0 * i}, start + i * 10);
        CHECK(size() == before);
        CHECK(known(*history.read("web", "hour", start + 19'990)) == 360);
    }

    TEST_CASE("other words and unknown services are nothing") {
        History history("");
        history.add("web", {}, start);
        CHECK_FALSE(history.read("web", "decade", start));
        CHECK_FALSE(history.read("other", "hour", start));
    }
}
