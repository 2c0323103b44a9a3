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
    WaitLine::Place& join(const void* wanted = nullptr) {
        waiters.push_back(std::make_unique<Waiter>(engine));
        places.push_back(std::make_unique<WaitLine::Place>(line, *waiters.back(), wanted));
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
    }

    TEST_CASE("nobody is called twice") {
        Line all;
        CHECK_FALSE(all.line.call_next());
        all.join();
        CHECK(all.line.call_next());
        CHECK_FALSE(all.line.call_next());
    }

    TEST_CASE("who finds nothing keeps its place") {
        Line all;
        auto& first = all.join();
        auto& second = all.join();
        all.line.call_next();

        first.wait_on();
        all.line.call_next();

        CHECK(first.called());
        CHECK_FALSE(second.called());
    }

    TEST_CASE("who waits for one thing is not called for another") {
        Line all;
        const int red = 1;
        const int blue = 2;
        auto& for_red = all.join(&red);
        auto& for_blue = all.join(&blue);
        auto& for_any = all.join();
        CHECK(all.line.open() == 1);

        CHECK(all.line.call_next(&blue));
        CHECK(for_blue.called());
        CHECK(all.line.call_next(&blue));
        CHECK(for_any.called());
        CHECK_FALSE(all.line.call_next(&blue));
        CHECK_FALSE(for_red.called());
        CHECK(all.line.call_next());
        CHECK(for_red.called());
    }

    TEST_CASE("who cannot use what is free passes the call to the next") {
        Line all;
        auto& first = all.join();
        auto& second = all.join();
        all.line.call_next();

        first.pass_on();

        CHECK_FALSE(first.called());
        CHECK(second.called());
    }

    TEST_CASE("all are called when much has changed") {
        Line all;
        const int red = 1;
        auto& first = all.join(&red);
        auto& second = all.join();
        all.line.call_all();
        CHECK(first.called());
        CHECK(second.called());
    }

    TEST_CASE("who leaves is forgotten, called or not") {
        Line all;
        all.join();
        all.join();
        auto& third = all.join();
        all.line.call_next();

        all.places.erase(all.places.begin(), all.places.begin() + 2);

        CHECK(all.line.size() == 1);
        CHECK(all.line.open() == 1);
        CHECK(all.line.call_next());
        CHECK(third.called());
    }
}
