// The pair's state for people and as JSON.
#include "app/pair_text.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::app;

namespace {

ha::PairStatus full() {
    ha::PairStatus pair;
    pair.node = "lb1";
    pair.peer = "lb2";
    pair.state = ha::State::active;
    pair.peer_state = ha::State::standby;
    pair.master = pair.peer_alive = pair.peer_fit = pair.config_equal = true;
    pair.epoch = 4;
    pair.reason = ha::Reason::peer_silent;
    pair.hold = ha::Hold::alone;
    pair.round_trip_ms = 0.4;
    pair.peer_received_permille = 998;
    pair.addresses = {"10.0.0.100/24 dev eth0"};
    pair.problems = {"interface eth1 is down"};
    pair.unconfirmed = {"10.0.0.1"};
    pair.paths = {{"10.0.0.2:9694", "10.0.0.3:9694", true, 0.01, 44}};
    pair.witnesses = {{"10.0.0.1", true}, {"10.0.0.21", false}};
    pair.refused[2] = 7;
    pair.replication = {.state = ha::StreamState::synced,
                        .gives = true,
                        .settings_known = true,
                        .settings = ha::Verdict::diverged,
                        .settings_version = 7,
                        .problem = "a problem of the stream",
                        .entries = 812,
                        .entries_unknown = 1,
                        .flow_bytes = 99,
                        .lag_ms = 300};
    pair.changes = {{1'700'000'000'000, ha::State::standby, ha::State::active,
                     ha::Reason::peer_silent, 4, 38.2}};
    return pair;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("app/pair_text") {
    TEST_CASE("the pair comes out of its JSON as it went in") {
        CHECK(pair_from_json(pair_to_json(full())) == full());
        CHECK(pair_from_json(pair_to_json({})) == ha::PairStatus{});
    }

    TEST_CASE("an unknown word is an error, not a guess") {
        std::string text = pair_to_json(full());
        text.replace(text.find("\"standby\""), 9, "\"perhaps\"");

        CHECK_THROWS(pair_from_json(text));
    }

    TEST_CASE("people see who is active, why, and what the blackout was") {
        const StatusStyle style{
            .now = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'060))};

        const std::string text = pair_text(full(), style);

        CHECK(has(text, "lb1 is active (master), epoch 4"));
        CHECK(has(text, "lb2: standby"));
        CHECK(has(text, "witnesses: 10.0.0.1 answers, 10.0.0.21 is SILENT"));
        CHECK(has(text, "synced, gives, SETTINGS CHANGED ON BOTH NODES (version 7), 812"));
        CHECK(has(text, "a problem of the stream"));
        CHECK(has(text, "1m 0s ago: active: the other node is silent (epoch 4, 38.2 ms after"));
        CHECK(has(text, "1.0 % lost, gone after 44 ms"));
        CHECK(has(text, "interface eth1 is down"));
        CHECK(has(text, "not yet confirmed by: 10.0.0.1"));
        CHECK_FALSE(has(text, "does not take over"));
    }

    TEST_CASE("poise why lists the changes of owner, when there were any") {
        const std::chrono::system_clock::time_point now(std::chrono::seconds(1'700'000'005));

        CHECK(
            changes_text(full(), now) ==
            "changes of owner, as lb1 saw them:\n"
            "  5s ago: active: the other node is silent (epoch 4, 38.2 ms after its last beat)\n");
        CHECK(changes_text({}, now).empty());
    }

    TEST_CASE("a standby that holds back says why") {
        ha::PairStatus pair = full();
        pair.state = ha::State::standby;
        pair.peer_alive = false;

        CHECK(has(pair_text(pair, {}), "does not take over: neither the other node"));
        CHECK(has(pair_text(pair, {}), "lb2 is silent"));
    }
}
