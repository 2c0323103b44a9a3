// Whether a node knows that the silence is its own.
#include "ha/witnesses.hpp"

#include <doctest/doctest.h>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

// Ticks each 10 ms; an answer comes a tick after its question while `reached`.
struct Asked {
    Witnesses witnesses;
    Time now{std::chrono::hours(1)};
    bool waits = false;
    int questions = 0;

    void run(std::chrono::milliseconds time, bool in_doubt, bool reached) {
        for (const Time end = now + time; now < end;) {
            now += 10ms;
            if (waits && reached) witnesses.answered(now);
            witnesses.tick(now, in_doubt);
            waits = witnesses.take_question_due(now);
            questions += waits ? 1 : 0;
        }
    }
};

}  // namespace

TEST_SUITE("ha/witnesses") {
    TEST_CASE("a node whose witness answers is not alone within two heartbeats of doubt") {
        Asked node;
        node.run(1s, false, true);

        node.run(10ms, true, true);
        CHECK(node.witnesses.alone());  // nothing has come since
        node.run(10ms, true, true);
        CHECK_FALSE(node.witnesses.alone());
    }

    TEST_CASE("a node that hears neither is alone, for as long as it lasts") {
        Asked node;
        node.run(1s, false, true);

        for (int i = 0; i < 1000; ++i) {
            node.run(10ms, true, false);
            REQUIRE(node.witnesses.alone());
        }
    }

    TEST_CASE("a witness that never answered, or long ago, counts for nothing") {
        Asked never, once;
        never.run(3s, false, false);
        once.run(1s, false, true);
        once.run(3s, false, false);

        for (Asked* node : {&never, &once}) {
            node->run(500ms, true, false);
            CHECK_FALSE(node->witnesses.alone());
        }
    }

    TEST_CASE("after a cut the other node has half a second to be heard") {
        Asked node;
        node.run(1s, false, true);
        node.run(1s, true, false);

        node.run(400ms, true, true);
        CHECK(node.witnesses.alone());
        node.run(200ms, true, true);
        CHECK_FALSE(node.witnesses.alone());

        node.run(1s, true, false);
        CHECK(node.witnesses.alone());
        node.run(10ms, false, false);  // the other node is heard
        CHECK_FALSE(node.witnesses.alone());
    }

    TEST_CASE("questions are rare, but for the first moments of a doubt") {
        Asked node;
        node.run(10s, false, true);
        CHECK(node.questions == 50);
        node.questions = 0;
        node.run(1s, true, false);
        CHECK(node.questions == 100);
        node.run(1s, true, false);
        node.questions = 0;
        node.run(10s, true, false);
        CHECK(node.questions <= 51);
    }
}
