#include "ha/member.hpp"

#include <doctest/doctest.h>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

MemberSettings settings(bool master) {
    MemberSettings made;
    made.ownership = {.master = master, .node_id = master ? 1ULL : 2ULL, .heartbeat = 10ms};
    made.node_name = master ? "lb1" : "lb2";
    made.addresses_hash = 5;
    return made;
}

// Two members whose beats reach each other 3 ms later.
struct Two {
    Member one{settings(true)}, other{settings(false)};
    SelfView self{.verified = true};
    Time now{std::chrono::hours(1)};
    std::uint64_t n = 0;
    bool first = true;

    void run(int beats, bool to_one = true, bool to_other = true) {
        for (int i = 0; i < beats; ++i) {
            now += 10ms;
            ++n;
            one.tick(now, self);
            other.tick(now, self);
            one.sent(n, now);
            other.sent(n, now);
            const Opened from_one{Kind::beat, n, first, to_bytes(one.beat(now, self, {}))};
            const Opened from_other{Kind::beat, n, first, to_bytes(other.beat(now, self, {}))};
            first = false;
            if (to_other) other.take(0, from_one, now + 3ms);
            if (to_one) one.take(0, from_other, now + 3ms);
        }
    }
};

}  // namespace

TEST_SUITE("ha/member") {
    TEST_CASE("two nodes agree within a few beats, and the master holds the addresses") {
        Two pair;

        pair.run(10);

        CHECK(pair.one.ownership().state() == State::active);
        CHECK(pair.other.ownership().state() == State::standby);
        CHECK(pair.other.peer().beat.node_name == "lb1");
    }

    TEST_CASE("the standby takes over when the beats stop, and the other one yields at the heal") {
        Two pair;
        pair.run(300);

        pair.run(20, true, false);
        CHECK(pair.other.ownership().state() == State::active);
        CHECK(pair.one.ownership().state() == State::standby);  // it heard the better claim

        pair.run(10);
        CHECK(pair.other.ownership().state() == State::active);
        CHECK(pair.one.ownership().state() == State::standby);
    }

    TEST_CASE("a node in doubt asks for answers, each of which is given once") {
        Two pair;
        pair.run(300);
        CHECK(pair.other.beats_due() == 1);
        pair.run(1, true, false);
        pair.other.tick(pair.now + 10ms, pair.self);
        CHECK(pair.other.beats_due() > 1);
        const Beat asking = pair.other.beat(pair.now + 10ms, pair.self, {});
        CHECK(asking.asks);

        CHECK(pair.one.take_answers_due() == 0);
        for (std::uint64_t i = 1; i <= 2; ++i)
            pair.one.take(0, {Kind::beat, pair.n + i, false, to_bytes(asking)}, pair.now + 11ms);
        pair.one.take(0, {Kind::beat, pair.n + 1, false, to_bytes(asking)}, pair.now + 11ms);
        CHECK(pair.one.take_answers_due() == 2);
        CHECK(pair.one.take_answers_due() == 0);

        // Nobody makes a node send without end.
        for (std::uint64_t i = 3; i <= 100; ++i)
            pair.one.take(0, {Kind::beat, pair.n + i, false, to_bytes(asking)}, pair.now + 12ms);
        CHECK(pair.one.take_answers_due() < 20);

        // An answer ends the doubt.
        const Beat answer = pair.one.beat(pair.now + 12ms, pair.self, {});
        pair.other.take(0, {Kind::beat, pair.n + 1, false, to_bytes(answer)}, pair.now + 13ms);
        CHECK(pair.other.beats_due() == 1);
    }

    TEST_CASE("the round trip leaves out what the beat lay at the other node") {
        Two pair;

        pair.run(50);

        // Each beat is sent 7 ms after the one that it echoes came in.
        CHECK(pair.one.round_trip() == 6ms);
    }

    TEST_CASE("a farewell makes the standby active between two ticks") {
        Two pair;
        pair.run(300);

        REQUIRE(pair.other.take(0, {Kind::farewell, pair.n, false, to_bytes(Beat{})}, pair.now));
        CHECK(pair.other.react(pair.now, pair.self));

        CHECK(pair.other.ownership().state() == State::active);
        CHECK(pair.other.ownership().reason() == Reason::peer_left);
    }

    TEST_CASE("content without a meaning is refused, a hello changes nothing") {
        Two pair;
        pair.run(50);

        CHECK_FALSE(pair.one.take(0, {Kind::beat, 1000, false, {1, 2, 3}}, pair.now));
        Beat forged;
        forged.state = State::active;
        forged.claim.epoch = 100;
        CHECK(pair.one.take(0, {Kind::hello, 1, false, to_bytes(forged)}, pair.now));
        CHECK_FALSE(pair.one.react(pair.now, pair.self));
        CHECK(pair.one.ownership().state() == State::active);
    }

    TEST_CASE("a standby that is cut off from its gateway too does not take over") {
        Two pair;
        const auto run = [&](int beats, bool heard, bool gateway) {
            for (int i = 0; i < beats; ++i) {
                if (gateway) pair.other.take_witness(pair.now);
                pair.run(1, true, heard);
            }
        };
        run(300, true, true);

        run(100, false, false);
        CHECK(pair.other.ownership().state() == State::standby);
        CHECK(pair.other.ownership().hold() == Hold::alone);
        CHECK(pair.other.order_takeover(pair.now, pair.self, false).find("--force") !=
              std::string::npos);

        run(20, true, true);
        CHECK(pair.one.ownership().state() == State::active);
        CHECK(pair.one.ownership().changes() == 1);

        run(60, false, true);  // the gateway answers: the other node is gone
        CHECK(pair.other.ownership().state() == State::active);
    }

    TEST_CASE("unreadable datagrams count when they can come from the peer alone") {
        Two pair;
        pair.run(50);
        const auto unreadable_after = [&](bool counts) {
            for (int i = 0; i < 5; ++i)
                pair.other.take_unreadable(counts, pair.now);
            pair.other.react(pair.now, pair.self);
            return pair.other.peer().unreadable;
        };

        CHECK_FALSE(unreadable_after(false));
        CHECK(unreadable_after(true));
        pair.run(2);
        CHECK_FALSE(pair.other.peer().unreadable);
    }

    TEST_CASE("different floating addresses are seen") {
        Two pair;
        pair.run(10);
        CHECK_FALSE(pair.one.addresses_differ());

        pair.one.set_addresses_hash(6);

        CHECK(pair.one.addresses_differ());
    }
}
