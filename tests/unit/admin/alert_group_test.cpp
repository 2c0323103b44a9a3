// Few messages of many alerts.
#include "admin/alert_group.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise::admin;
using namespace std::chrono_literals;

namespace {

Alert alert(int number) {
    return {.subject = "web/s" + std::to_string(number), .text = "down"};
}

}  // namespace

TEST_SUITE("admin/alert_group") {
    const AlertGroup::Time start{1000h};

    TEST_CASE("what comes within the window makes one message, at its end") {
        AlertGroup group(10s, 20);

        CHECK(group.take_due(start).empty());
        group.add(alert(1), start);
        group.add(alert(2), start + 9s);
        CHECK(group.take_due(start + 9s).empty());
        const auto due = group.take_due(start + 10s);
        REQUIRE(due.size() == 2);
        CHECK(due[0].subject == "web/s1");
        CHECK(due[1].subject == "web/s2");
        CHECK(group.take_due(start + 20s).empty());
        group.add(alert(3), start + 21s);
        CHECK(group.take_due(start + 30s).empty());
        CHECK(group.take_due(start + 31s).size() == 1);
    }

    TEST_CASE("over the rate alerts wait and are told together when the hour is over") {
        AlertGroup group(1s, 2);

        for (int i = 0; i < 5; ++i) {
            const auto now = start + i * 10s;
            group.add(alert(i), now);
            CHECK(group.take_due(now + 1s).empty() == (i >= 2));
        }
        CHECK(group.waiting() == 3);
        CHECK(group.take_due(start + 1h).empty());
        CHECK(group.take_due(start + 1h + 1s).size() == 3);
    }

    TEST_CASE("a flood is bounded, and what had no room is counted") {
        AlertGroup group(1s, 20);

        for (int i = 0; i < 1'000; ++i)
            group.add(alert(i), start);
        CHECK(group.take_due(start + 1s).size() == AlertGroup::alerts_max);
        CHECK(group.left_out() == 900);
        group.add(alert(1), start + 2s);
        CHECK(group.take_due(start + 3s).size() == 1);
        CHECK(group.left_out() == 0);
    }
}
