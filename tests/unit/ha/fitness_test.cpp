// When a node counts as one that can hold the floating addresses.
#include "ha/fitness.hpp"

#include <doctest/doctest.h>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

// A node of two addresses that holds them, four times a second.
struct Holder {
    Fitness fitness;
    Time now{std::chrono::hours(1)};

    Holder() { fitness.set_links(2, 2); }
    void hold(std::chrono::milliseconds passed, std::size_t refused) {
        for (const Time end = now + passed; now < end; now += 250ms)
            fitness.held(refused, now);
    }
    bool fit() const { return fitness.fit(now); }
};

}  // namespace

TEST_SUITE("ha/fitness") {
    TEST_CASE("links tell at once") {
        const struct {
            std::size_t usable;
            bool fit, partly, linked;
        } rows[] = {{2, true, true, true}, {1, false, true, true}, {0, false, false, false}};
        for (const auto& row : rows) {
            Holder node;
            node.fitness.set_links(row.usable, 2);
            CHECK(node.fit() == row.fit);
            CHECK(node.fitness.partly(node.now) == row.partly);
            CHECK(node.fitness.linked() == row.linked);
        }
        Fitness without;
        without.set_links(0, 0);
        CHECK(without.fit(Time{}));
    }

    TEST_CASE("one refusal is asked about, the second one counts") {
        Holder node;
        node.fitness.held(1, node.now);
        CHECK(node.fitness.doubtful());
        CHECK(node.fit());
        node.fitness.held(0, node.now);
        CHECK_FALSE(node.fitness.doubtful());

        node.fitness.held(1, node.now);
        node.fitness.held(1, node.now);
        CHECK_FALSE(node.fitness.doubtful());
        CHECK_FALSE(node.fit());
        CHECK(node.fitness.partly(node.now));
        CHECK(node.fitness.linked());
    }

    TEST_CASE("who is refused everything can hold nothing, though it has links") {
        Holder node;
        node.hold(500ms, 2);
        CHECK_FALSE(node.fitness.partly(node.now));
        CHECK(node.fitness.linked());
        node.fitness.set_links(1, 2);  // what was refused may be what is missing now
        CHECK(node.fitness.partly(node.now));
    }

    TEST_CASE("a node that let go is tried again, ever more seldom") {
        Holder node;
        std::chrono::seconds expected = Fitness::distrust_first;
        for (int turn = 0; turn < 8; ++turn) {
            node.hold(500ms, 1);
            node.now += expected - 1s;
            CHECK_FALSE(node.fit());
            node.now += 1s;
            CHECK(node.fit());
            expected = std::min(expected * 2, Fitness::distrust_max);
        }
    }

    TEST_CASE("who holds all of them for a while is trusted again") {
        Holder node;
        node.hold(500ms, 1);
        node.hold(9s, 0);
        CHECK_FALSE(node.fit());
        node.hold(2s, 0);
        CHECK(node.fit());
        node.hold(500ms, 1);
        node.now += Fitness::distrust_first;
        CHECK(node.fit());  // the first time again, and not the second
    }

    TEST_CASE("while it is refused it stays distrusted, and new settings begin anew") {
        Holder node;
        node.hold(200s, 1);
        CHECK_FALSE(node.fit());
        node.fitness.forget();
        CHECK(node.fit());
        CHECK_FALSE(node.fitness.doubtful());
    }
}
