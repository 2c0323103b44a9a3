#include "ha/ownership.hpp"

#include <doctest/doctest.h>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

const Time start{std::chrono::hours(1)};

OwnershipSettings settings(bool master, bool failback = false) {
    return {
        .master = master, .node_id = master ? 1ULL : 2ULL, .heartbeat = 10ms, .failback = failback};
}

PeerView silent() {
    return {};
}

// The slave, or the master, alive in `state`.
PeerView peer(State state, std::uint64_t epoch, bool master = false) {
    PeerView view;
    view.heard = view.alive = true;
    view.beat.state = state;
    view.beat.claim = {epoch, master, master ? 1ULL : 2ULL};
    view.beat.fit = true;
    view.beat.hears_you = true;
    return view;
}

PeerView gone(PeerView view) {
    view.alive = false;
    return view;
}

struct Node {
    Ownership ownership;
    SelfView self{.verified = true};
    Time now = start;

    explicit Node(bool master, bool failback = false) : ownership(settings(master, failback)) {}

    State after(std::chrono::milliseconds passed, const PeerView& view) {
        const Time end = now + passed;
        do {
            ownership.step(now, view, self);
            now += 10ms;
        } while (now <= end);
        return ownership.state();
    }
};

Node active_node(bool master = true) {
    Node node(master);
    node.after(700ms, silent());
    REQUIRE(node.ownership.state() == State::active);
    return node;
}

Node standby_node(bool master = false) {
    Node node(master);
    node.after(20ms, peer(State::active, 3, !master));
    REQUIRE(node.ownership.state() == State::standby);
    return node;
}

}  // namespace

TEST_SUITE("ha/ownership") {
    TEST_CASE("a node that hears nobody listens first, then takes the addresses") {
        Node node(false);

        CHECK(node.after(500ms, silent()) == State::listening);
        CHECK(node.ownership.hold() == Hold::listening);
        CHECK(node.after(200ms, silent()) == State::active);
        CHECK(node.ownership.reason() == Reason::start_alone);
        CHECK(node.ownership.claim().epoch == 1);
    }

    TEST_CASE("when both start, the master takes the addresses and the slave waits for it") {
        Node master(true), slave(false);

        CHECK(master.after(0ms, peer(State::listening, 0, false)) == State::active);
        CHECK(slave.after(100ms, peer(State::listening, 0, true)) == State::listening);
        CHECK(slave.ownership.hold() == Hold::deferring);
        CHECK(slave.after(20ms, peer(State::active, 1, true)) == State::standby);
    }

    TEST_CASE("a master that does not act is not waited for for ever") {
        Node slave(false);

        CHECK(slave.after(300ms, peer(State::listening, 0, true)) == State::active);
    }

    TEST_CASE("a node that starts beside an active one becomes its standby, master or not") {
        for (const bool master : {false, true}) {
            Node node(master);
            CHECK(node.after(2000ms, peer(State::active, 3, !master)) == State::standby);
        }
    }

    TEST_CASE("a standby takes over at once when the other one is silent or has left") {
        Node silent_peer = standby_node();
        CHECK(silent_peer.after(0ms, gone(peer(State::active, 3, true))) == State::active);
        CHECK(silent_peer.ownership.reason() == Reason::peer_silent);
        CHECK(silent_peer.ownership.claim().epoch == 4);

        Node left = standby_node();
        PeerView view = gone(peer(State::active, 3, true));
        view.left = true;
        CHECK(left.after(0ms, view) == State::active);
        CHECK(left.ownership.reason() == Reason::peer_left);
    }

    TEST_CASE("a key error or a dead line of one's own makes no second owner") {
        const struct {
            Hold hold;
            bool unreadable, alone, fit;
        } rows[] = {{Hold::unreadable, true, false, true},
                    {Hold::alone, false, true, true},
                    {Hold::unfit, false, false, false}};

        for (const auto& row : rows) {
            Node node = standby_node();
            node.self.alone = row.alone;
            node.self.fit = row.fit;
            PeerView view = gone(peer(State::active, 3, true));
            view.unreadable = row.unreadable;

            CHECK(node.after(5000ms, view) == State::standby);
            CHECK(node.ownership.hold() == row.hold);
        }
    }

    TEST_CASE("a node that never had a session and hears an unreadable peer claims nothing") {
        Node node(true);
        PeerView view;
        view.unreadable = true;

        CHECK(node.after(5000ms, view) == State::listening);
        CHECK(node.ownership.hold() == Hold::unreadable);
    }

    TEST_CASE("of two active nodes the one with the worse claim gives way at once") {
        Node worse = active_node();
        CHECK(worse.after(0ms, peer(State::active, 5)) == State::standby);
        CHECK(worse.ownership.reason() == Reason::better_claim);

        Node better = active_node();
        const auto announced = better.ownership.announcements();
        CHECK(better.after(0ms, peer(State::active, 0)) == State::active);
        better.after(0ms, peer(State::standby, 0));
        CHECK(better.ownership.announcements() > announced);
    }

    TEST_CASE("the same epoch on both goes to the master") {
        Node master = active_node(true), slave = active_node(false);

        CHECK(master.after(0ms, peer(State::active, 1, false)) == State::active);
        CHECK(slave.after(0ms, peer(State::active, 1, true)) == State::standby);
    }

    TEST_CASE("in a planned switch-over both hold the addresses for a moment") {
        Node node = active_node();
        PeerView view = peer(State::active, 2);
        view.beat.planned = true;

        CHECK(node.after(0ms, view) == State::yielding);
        CHECK(node.ownership.holds());
        CHECK(node.after(100ms, view) == State::standby);
        CHECK(node.ownership.reason() == Reason::handed_over);
    }

    TEST_CASE("a successor that dies within the switch-over is followed by its predecessor") {
        Node node = active_node();
        PeerView view = peer(State::active, 2);
        view.beat.planned = true;
        node.after(0ms, view);

        node.after(20ms, gone(view));

        CHECK(node.ownership.state() == State::active);
        CHECK(node.ownership.claim().epoch == 3);
    }

    TEST_CASE("poise takeover makes the standby active by a planned claim") {
        Node node = standby_node();

        CHECK(
            node.ownership.order_takeover(node.now, peer(State::active, 3, true), node.self, false)
                .empty());
        CHECK(node.after(0ms, peer(State::active, 3, true)) == State::active);
        CHECK(node.ownership.planned());
        CHECK(node.ownership.reason() == Reason::ordered);
    }

    TEST_CASE("poise takeover says why not, and --force goes on") {
        Node node = standby_node();
        PeerView deaf = peer(State::active, 3, true);
        deaf.beat.hears_you = false;
        const auto order = [&](const PeerView& view, bool force) {
            return node.ownership.order_takeover(node.now, view, node.self, force);
        };

        CHECK(order(deaf, false).find("does not hear") != std::string::npos);
        node.self.verified = false;
        CHECK(order(peer(State::active, 3, true), false).find("not yet equal") !=
              std::string::npos);
        CHECK(order(peer(State::active, 3, true), true).empty());
        CHECK(node.ownership.state() == State::active);
        CHECK_FALSE(order(peer(State::standby, 3, true), false).empty());  // active already
    }

    TEST_CASE("poise standby asks the other node, which takes over") {
        Node active = active_node(), standby = standby_node();

        CHECK(active.ownership.order_standby(active.now, peer(State::standby, 0), active.self)
                  .empty());
        CHECK(active.ownership.wishes_to_leave());
        PeerView leaving = peer(State::active, 3, true);
        leaving.beat.wishes_to_leave = true;

        CHECK(standby.after(0ms, leaving) == State::active);
        CHECK(standby.ownership.reason() == Reason::asked_to_leave);
        CHECK(active_node().ownership.order_standby(start, silent(), {}).find("not there") !=
              std::string::npos);
        CHECK_FALSE(standby_node().ownership.order_standby(start, silent(), {}).empty());
    }

    TEST_CASE("a wish that nobody follows ends by itself") {
        Node node = active_node();
        REQUIRE(node.ownership.order_standby(node.now, peer(State::standby, 0), node.self).empty());

        CHECK(node.after(3000ms, peer(State::standby, 0)) == State::active);
        CHECK_FALSE(node.ownership.wishes_to_leave());
    }

    TEST_CASE("a node whose guardian took the addresses away does not take them back") {
        Node node = active_node();
        node.self.reclaimed = true;

        CHECK(node.after(0ms, peer(State::active, 2)) == State::standby);
        CHECK(node.ownership.reason() == Reason::froze);
    }

    TEST_CASE("a node alone that froze goes on as soon as it runs again") {
        Node node = active_node();
        node.self.reclaimed = true;
        node.after(0ms, silent());
        CHECK(node.ownership.state() == State::standby);
        node.self.reclaimed = false;

        CHECK(node.after(0ms, silent()) == State::active);
    }

    TEST_CASE("a node whose link is down lets go, and the other one takes over") {
        Node node = active_node();
        node.self.fit = false;
        CHECK(node.after(0ms, silent()) == State::standby);
        CHECK(node.ownership.reason() == Reason::unfit);

        Node other = standby_node();
        PeerView unfit = peer(State::standby, 3, true);
        unfit.beat.fit = false;
        CHECK(other.after(0ms, unfit) == State::active);
        CHECK(other.ownership.reason() == Reason::peer_unfit);
    }

    TEST_CASE("of two the one that can hold more has the addresses, and of equals who has them") {
        enum { nothing, some, all };
        const struct {
            int ours, theirs;
            bool stays, claims;  // active beside a standby; standby beside a standby
        } rows[] = {{all, all, true, true},        {all, some, true, true},
                    {all, nothing, true, true},    {some, all, false, false},
                    {some, some, true, true},      {some, nothing, true, true},
                    {nothing, all, false, false},  {nothing, some, false, false},
                    {nothing, nothing, true, true}};
        for (const auto& row : rows) {
            CAPTURE(row.ours);
            CAPTURE(row.theirs);
            Node node = active_node(), standby = standby_node();
            node.self.fit = standby.self.fit = row.ours == all;
            node.self.partly = standby.self.partly = row.ours == some;
            PeerView view = peer(State::standby, 3, true);
            view.beat.fit = row.theirs == all;
            view.beat.partly = row.theirs == some;
            CHECK((node.after(1000ms, view) == State::active) == row.stays);
            CHECK((standby.after(1000ms, view) == State::active) == row.claims);
            CHECK((standby.ownership.hold() == Hold::unfit) == !row.claims);
        }
    }

    TEST_CASE("of two active nodes the fitter one stays, unless the other cannot know it") {
        Node node = active_node();
        PeerView view = peer(State::active, 5);
        view.beat.fit = false;
        CHECK(node.after(100ms, view) == State::active);
        view.beat.hears_you = false;
        CHECK(node.after(100ms, view) == State::active);
        view.beat.partly = true;
        CHECK(node.after(100ms, view) == State::standby);

        Node unfit = active_node();
        unfit.self.fit = false;
        CHECK(unfit.after(0ms, peer(State::active, 0)) == State::standby);
    }

    TEST_CASE("a node with a link left goes on when the other one is silent") {
        Node active = active_node(), standby = standby_node();
        for (Node* node : {&active, &standby}) {
            node->self.fit = false;
            node->self.linked = true;
            CHECK(node->after(5000ms, gone(peer(State::active, 3, true))) == State::active);
        }
    }

    TEST_CASE("an active node that can hold nothing and is deaf does not keep the other from it") {
        Node node = standby_node();
        PeerView deaf = peer(State::active, 3, true);
        deaf.beat.hears_you = deaf.beat.fit = false;
        deaf.beat.partly = true;
        CHECK(node.after(1000ms, deaf) == State::standby);
        deaf.beat.partly = false;
        CHECK(node.after(0ms, deaf) == State::active);
    }

    TEST_CASE("a fitter node that hears nobody and does not act is not waited for") {
        Node node = standby_node();
        node.self.fit = false;
        node.self.partly = node.self.linked = true;
        PeerView deaf = peer(State::standby, 3, true);
        deaf.beat.hears_you = false;
        CHECK(node.after(500ms, deaf) == State::standby);
        CHECK(node.after(300ms, deaf) == State::active);
        deaf.beat.hears_you = true;
        CHECK(node.after(0ms, deaf) == State::standby);
    }

    TEST_CASE("a node that can hold less is no successor") {
        Node node = active_node(), lesser = standby_node();
        PeerView unfit = peer(State::standby, 0);
        unfit.beat.fit = false;
        CHECK_FALSE(node.ownership.order_standby(node.now, unfit, node.self).empty());
        lesser.self.fit = false;
        CHECK_FALSE(lesser.ownership
                        .order_takeover(lesser.now, peer(State::active, 3, true), lesser.self, true)
                        .empty());
    }

    TEST_CASE("failback is manual unless it is wished for, and then waits") {
        Node manual = standby_node(true);
        CHECK(manual.after(60s, peer(State::active, 3)) == State::standby);

        Node automatic(true, true);
        CHECK(automatic.after(5s, peer(State::active, 3)) == State::standby);
        CHECK(automatic.after(6s, peer(State::active, 3)) == State::active);
        CHECK(automatic.ownership.reason() == Reason::failback);
    }

    TEST_CASE("failback waits for a verified copy") {
        Node node(true, true);
        node.self.verified = false;

        CHECK(node.after(60s, peer(State::active, 3)) == State::standby);
    }

    TEST_CASE("a node that stops hands over, and claims nothing any more") {
        Node node = active_node();
        node.ownership.stop(node.now, peer(State::standby, 0), node.self);
        CHECK(node.ownership.wishes_to_leave());
        PeerView successor = peer(State::active, 2);
        successor.beat.planned = true;
        node.after(100ms, successor);
        CHECK(node.ownership.state() == State::standby);
        CHECK(node.after(5s, gone(successor)) == State::standby);

        Node alone = active_node();
        alone.ownership.stop(alone.now, silent(), alone.self);
        CHECK(alone.ownership.state() == State::standby);
    }

    TEST_CASE("a node that heals tells its neighbours anew") {
        Node node = active_node();
        node.after(100ms, peer(State::standby, 0));
        const auto before = node.ownership.announcements();
        node.after(100ms, gone(peer(State::standby, 0)));

        node.after(100ms, peer(State::standby, 0));

        CHECK(node.ownership.announcements() == before + 1);
    }
}
