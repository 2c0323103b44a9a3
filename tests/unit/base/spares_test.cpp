// What is kept for the next who needs one, and for how long.
#include "base/spares.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace poise;

TEST_SUITE("base/spares") {
    TEST_CASE("the last that came goes first") {
        Spares<std::unique_ptr<int>> spares;
        CHECK(spares.empty());
        spares.put(std::make_unique<int>(1));
        spares.put(std::make_unique<int>(2));
        CHECK(*spares.take() == 2);
        CHECK(*spares.take() == 1);
        CHECK(spares.empty());
    }

    TEST_CASE("those that nobody needs go in time, the oldest first") {
        Spares<int> spares;
        for (int i = 0; i < 1'000; ++i)
            spares.put(int{i});
        std::vector<int> gone;
        const auto let_go = [&](int one) { gone.push_back(one); };
        spares.sweep(let_go);
        CHECK(gone.empty());  // they have just come

        spares.sweep(let_go);
        CHECK(spares.size() > 900);
        REQUIRE_FALSE(gone.empty());
        CHECK(gone.front() == 0);
        for (int i = 0; i < 120; ++i)
            spares.sweep(let_go);
        CHECK(spares.empty());
        REQUIRE(gone.size() == 1'000);
        CHECK(gone.back() == 999);
    }

    TEST_CASE("as many stay as are needed now and then") {
        Spares<int> spares;
        for (int i = 0; i < 500; ++i)
            spares.put(int{i});
        for (int turn = 0; turn < 200; ++turn) {
            std::vector<int> used;
            while (used.size() < 100 && !spares.empty())
                used.push_back(spares.take());
            for (const int one : used)
                spares.put(int{one});
            spares.sweep();
        }
        CHECK(spares.size() == 100);
    }
}
