#include "base/wait_line.hpp"

#include "base/engine.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace poise;

namespace {

// Waiters that nobody sleeps on: a call is seen by called().
struct Line {
    Engine engine;
    WaitLine line;
    std::vector<std::unique_ptr<Waiter>> waiters;
    std::vector<std::unique_ptr<WaitLine::Place>> places;

    ~Line() { places.clear(); }
    WaitLine::Place& join() {
        waiters.push_back(std::make_unique<Waiter>(engine));
        places.push_back(std::make_unique<WaitLine::Place>(line, *waiters.back()));
        return *places.back();
    }
};

}  // namespace

TEST_SUITE("base/wait_line") {
    TEST_CASE("who came first is called first, one for each call") {
        Line all;
        auto& first = all.join();
        auto& second = all.join();
        auto& third = all.join();

        CHECK(all.line.call_next());
        CHECK(first.called());
        CHECK_FALSE(second.called());

        CHECK(all.line.call_next());
        CHECK(second.called());
        CHECK_FALSE(third.called());
        CHECK(all.line.size() == 3);
        CHECK(all.line.called() == 2);
    }

    TEST_CASE("nobody is called twice") {
        Line all;
        CHECK_FALSE(all.line.call_next());
        all.join();
        CHECK(all.line.call_next());
        CHECK_FALSE(all.line.call_next());
    }

    TEST_CASE("who finds nothing stands first again") {
        Line all;
        auto& first = all.join();
        auto& second = all.join();
        all.line.call_next();
        CHECK(second.is_first());  // of those that were not called

        first.wait_on();

        CHECK_FALSE(first.called());
        CHECK(first.is_first());
        CHECK_FALSE(second.is_first());
        CHECK(all.line.called() == 0);
        all.line.call_next();
        CHECK(first.called());
    }

    TEST_CASE("who leaves is forgotten, called or not") {
        Line all;
        all.join();
        all.join();
        auto& third = all.join();
        all.line.call_next();

        all.places.erase(all.places.begin(), all.places.begin() + 2);

        CHECK(all.line.size() == 1);
        CHECK(all.line.called() == 0);
        CHECK(all.line.call_next());
        CHECK(third.called());
    }
}
