// Buckets of times, and percentiles that are near what was put in.
#include "base/latency_histogram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace poise;
using std::chrono::microseconds;

TEST_SUITE("base/latency_histogram") {
    TEST_CASE("every time is in the one bucket whose bounds hold it") {
        for (std::uint64_t us = 0; us < 70'000'000; us += 1 + us / 1'000) {
            const std::size_t bucket = LatencyBuckets::of(us);
            REQUIRE(bucket < LatencyBuckets::count);
            if (bucket + 1 < LatencyBuckets::count) REQUIRE(us < LatencyBuckets::end(bucket));
            if (bucket > 0) REQUIRE(us >= LatencyBuckets::end(bucket - 1));
        }
        CHECK(LatencyBuckets::of(~std::uint64_t{0}) == LatencyBuckets::count - 1);
        for (std::size_t i = 0; i + 2 < LatencyBuckets::count; ++i)
            CHECK(LatencyBuckets::end(i) < LatencyBuckets::end(i + 1));
        CHECK(LatencyBuckets::end(LatencyBuckets::count - 2) == std::uint64_t{1}
                                                                    << LatencyBuckets::last_bits);
    }

    TEST_CASE("a percentile is at most an eighth off") {
        std::mt19937 random(1);
        std::lognormal_distribution<double> times(8, 1.5);  // around 3 ms, long tail
        LatencyHistogram histogram;
        std::vector<std::uint64_t> all;
        for (int i = 0; i < 20'000; ++i) {
            all.push_back(static_cast<std::uint64_t>(std::clamp(times(random), 64.0, 6e7)));
            histogram.add(microseconds(all.back()));
        }
        LatencyCounts counts;
        histogram.add_to(counts);
        std::ranges::sort(all);

        CHECK(counts.total() == all.size());
        for (const double part : {0.1, 0.5, 0.9, 0.99, 0.999}) {
            const auto exact = static_cast<double>(
                all[static_cast<std::size_t>(part * static_cast<double>(all.size()))]);
            const auto found = static_cast<double>(counts.percentile_us(part));
            CAPTURE(part);
            CHECK(found > exact * 7 / 8);
            CHECK(found < exact * 9 / 8);
        }
    }

    TEST_CASE("nothing, one, and what is beyond every bound") {
        LatencyCounts counts;
        CHECK(counts.percentile_us(0.99) == 0);
        LatencyHistogram histogram;
        histogram.add(microseconds(1'000));
        histogram.add_to(counts);
        CHECK(counts.percentile_us(0.5) >= 896);
        CHECK(counts.percentile_us(0.5) <= 1'024);
        CHECK(counts.sum_us == 1'000);
        LatencyCounts slow;
        LatencyHistogram slow_one;
        slow_one.add(std::chrono::hours(1));
        slow_one.add(microseconds(-5));  // a clock that was set back counts as no time
        slow_one.add_to(slow);
        CHECK(slow.percentile_us(1) == std::uint64_t{1} << LatencyBuckets::last_bits);
        CHECK(slow.buckets[0] == 1);
    }

    TEST_CASE("what came since a copy is the difference, and never below zero") {
        LatencyHistogram histogram;
        LatencyCounts before, after;
        histogram.add(microseconds(100));
        histogram.add_to(before);
        histogram.add(microseconds(5'000));
        histogram.add_to(after);

        CHECK(after.since(before).total() == 1);
        CHECK(after.since(before).sum_us == 5'000);
        CHECK(before.since(after) == LatencyCounts{});
    }
}
