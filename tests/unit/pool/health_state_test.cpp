#include "pool/health_state.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace poise::pool;

TEST_SUITE("pool/health_state") {
    TEST_CASE("a server goes down after `fall` failures and up after `rise` successes") {
        struct Row {
            const char* results;   // + and -
            const char* expected;  // u, d or . after each
        };
        const Row rows[] = {
            {"+", "u"},  // the first result decides alone
            {"-", "d"},
            {"+---", "u..d"},
            {"+--+--+---", "u........d"},  // only failures in a row count
            {"---++", "d...u"},
            {"-+-+-++", "d.....u"},
            {"+---++---", "u..d.u..d"},
            {"++++", "u..."},
        };
        for (const auto& row : rows) {
            CAPTURE(row.results);
            HealthState state(3, 2);
            std::string seen;
            for (const char result : std::string_view(row.results)) {
                switch (state.note(result == '+')) {
                    case Transition::none:
                        seen += '.';
                        break;
                    case Transition::went_up:
                        seen += 'u';
                        break;
                    case Transition::went_down:
                        seen += 'd';
                        break;
                }
            }
            CHECK(seen == row.expected);
        }
    }

    TEST_CASE("a reload goes on with the state that was known") {
        HealthState down(3, 2, Health::down);
        CHECK(down.note(true) == Transition::none);
        CHECK(down.note(true) == Transition::went_up);

        HealthState up(3, 2, Health::up);
        CHECK(up.note(false) == Transition::none);
    }

    TEST_CASE("a forced down takes `rise` successes after it") {
        HealthState state(3, 2);
        state.note(true);
        state.note(true);
        state.force(Health::down);
        CHECK(state.note(true) == Transition::none);
        CHECK(state.note(true) == Transition::went_up);
        CHECK(state.in_row() == 2);
        CHECK(state.needed() == 2);
    }
}
