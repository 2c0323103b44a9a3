#include "ha/stall_watch.hpp"

#include <doctest/doctest.h>

using poise::ha::StallWatch;
using namespace std::chrono_literals;

namespace {

struct Watched {
    StallWatch watch{50ms, 12ms};
    StallWatch::Clock::time_point now{};

    bool after(std::chrono::milliseconds gap, std::uint64_t progress) {
        now += gap;
        return watch.look(progress, now);
    }
};

}  // namespace

TEST_SUITE("ha/stall_watch") {
    TEST_CASE("a counter that has not begun does not stand still") {
        Watched watched;

        for (int i = 0; i < 100; ++i)
            CHECK_FALSE(watched.after(12ms, 0));
    }

    TEST_CASE("it stands still after the limit, until it moves") {
        Watched watched;
        CHECK_FALSE(watched.after(12ms, 1));

        CHECK_FALSE(watched.after(12ms, 1));
        CHECK_FALSE(watched.after(12ms, 1));
        CHECK_FALSE(watched.after(12ms, 1));
        CHECK_FALSE(watched.after(12ms, 1));
        CHECK(watched.after(12ms, 1));
        CHECK(watched.after(12ms, 1));
        CHECK_FALSE(watched.after(12ms, 2));
    }

    TEST_CASE("who looks late himself blames nobody for it") {
        Watched watched;
        watched.after(12ms, 1);

        CHECK_FALSE(watched.after(10s, 1));
        CHECK_FALSE(watched.after(12ms, 1));
        CHECK(watched.after(14ms, 1));
    }
}
