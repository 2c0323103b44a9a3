// Two forwarders as the nodes of a pair: what one knows the other comes to know, and after a
// takeover both say the same of every packet.
#include "l4/forwarder.hpp"
#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

struct Pair {
    explicit Pair(const Setting& setting) : active(setting), standby(setting) {
        active_sync.attach({[] {}});
        standby_sync.attach({[] {}});
    }

    /// Until nothing is left to be told. Returns how many bytes went over.
    std::size_t talk() {
        std::size_t bytes = 0;
        for (;;) {
            active.forwarder.exchange(active_sync, active.now);
            const auto pieces = active_sync.take(1'000'000, active.now);
            while (!pieces.empty() && !standby_sync.adopt(pieces))
                standby.forwarder.exchange(standby_sync, standby.now);
            standby.forwarder.exchange(standby_sync, standby.now);
            bytes += pieces.size();
            if (pieces.empty() && !active.forwarder.has_news() && !standby_sync.has_adopted(0))
                return bytes;
        }
    }
    void open_flows(std::uint16_t first_port, std::uint16_t count) {
        for (std::uint16_t port = first_port; port < first_port + count; ++port) {
            Made packet = active.made();
            packet.from_port = port;
            active.sent(packet);
            packet.flags = tcp_ack;
            active.sent(packet);
        }
    }
    AdoptStatus adopted() const { return standby_sync.adopting(); }

    World active;
    World standby;
    FlowSync active_sync;
    FlowSync standby_sync;
};

Made datagram_of(const World& world) {
    Made made = world.made();
    made.protocol = protocol_udp;
    return made;
}

}  // namespace

TEST_CASE("l4 forwarder sync: after a takeover the next packets get the same verdicts") {
    for (const config::Mode mode : {config::Mode::nat, config::Mode::dr}) {
        for (const bool v6 : {false, true}) {
            const auto port = static_cast<std::uint16_t>(mode == config::Mode::nat ? 8'080 : 0);
            Pair pair({.mode = mode, .v6 = v6, .server_port = port});
            pair.standby.sent(datagram_of(pair.standby));  // its round robin stands elsewhere
            pair.active_sync.begin();
            const PacketView out = pair.active.establish();
            pair.talk();
            CHECK(pair.adopted().adopted == 1);
            CHECK(pair.adopted().complete);

            // The server speaks first: a download whose client had nothing to say meanwhile.
            if (mode == config::Mode::nat) {
                const Made data = pair.active.from_server(out, tcp_ack);
                pair.active.sent(data, 1);
                const Bytes wanted = pair.active.last;
                pair.standby.sent(data, 1);
                CHECK(pair.standby.last == wanted);
                CHECK(pair.standby.out_link == pair.active.out_link);
            }
            const Made ack = pair.active.made(tcp_ack);
            pair.active.sent(ack);
            const Bytes wanted = pair.active.last;
            pair.standby.sent(ack);
            CHECK(pair.standby.last == wanted);
            CHECK(pair.standby.counters->adopted.value() == 0);  // it was known
            CHECK(pair.standby.counters->flows.value() == 2);
        }
    }
}

TEST_CASE("l4 forwarder sync: who joins is told everything, then what changes") {
    Pair pair({.mode = config::Mode::dr, .server_port = 0, .flows_max = 10'000});
    pair.open_flows(1'000, 3'000);
    pair.talk();
    CHECK(pair.standby.forwarder.flows().size() == 0);  // nobody listens
    pair.active_sync.begin();
    pair.talk();
    CHECK(pair.adopted().adopted == 3'000);
    CHECK(pair.active_sync.telling(pair.active.now).complete);
    CHECK(pair.talk() == 0);
    pair.open_flows(10'000, 100);
    pair.talk();
    CHECK(pair.adopted().adopted == 3'100);
    CHECK(pair.standby.forwarder.flows().half_open() == 0);
    CHECK(pair.adopted().sequence == pair.active_sync.telling(pair.active.now).sequence);
    // The standby was restarted.
    pair.active_sync.begin();
    pair.talk();
    CHECK(pair.adopted().updated + pair.adopted().adopted == 6'200);
    CHECK(pair.standby.forwarder.flows().size() == 3'100);
    CHECK(pair.adopted().pieces_missed == 0);
}

TEST_CASE("l4 forwarder sync: a flow is told when its state changes, and seldom while it lasts") {
    Pair pair({});
    pair.active_sync.begin();
    pair.active.establish();
    pair.talk();
    for (int i = 0; i < 100; ++i)
        pair.active.sent(pair.active.made(tcp_ack));
    CHECK(pair.talk() == 0);
    // After a quarter of its life it is told again, so that the standby never forgets it.
    for (int i = 0; i < 8; ++i) {
        pair.active.wait(200s);
        pair.standby.wait(200s);
        pair.active.sent(pair.active.made(tcp_ack));
        pair.talk();
        REQUIRE(pair.standby.forwarder.flows().size() == 1);
    }
    CHECK(pair.adopted().updated >= 4);
    CHECK(pair.adopted().updated <= 6);
    pair.active.sent(pair.active.made(tcp_fin | tcp_ack));
    pair.talk();
    pair.standby.wait(125s);
    CHECK(pair.standby.forwarder.flows().size() == 0);
    CHECK(pair.standby.counters->flows.value() == 0);
    for (const auto& server : pair.standby.pool->servers())
        CHECK(server->connections() == 0);
}

TEST_CASE("l4 forwarder sync: expiry goes on from when the flow was seen last") {
    Pair pair({});
    pair.active_sync.begin();
    pair.active.establish();
    pair.active.wait(800s);
    pair.talk();
    pair.standby.wait(95s);
    CHECK(pair.standby.forwarder.flows().size() == 1);
    pair.standby.wait(10s);
    CHECK(pair.standby.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder sync: flows of nothing that is configured are dropped and counted") {
    Pair pair({});
    pair.active_sync.begin();
    pair.active.establish();
    pair.standby.adopt(false);
    pair.talk();
    CHECK(pair.adopted().no_service == 1);
    CHECK(pair.standby.forwarder.flows().size() == 0);

    pair.standby.adopt(true);
    Bytes piece;
    FlowRecord record{.client = ip(pair.active.client()),
                      .vip = ip(pair.active.vip()),
                      .client_port = 1,
                      .port = 80,
                      .server = 4'711,
                      .protocol = protocol_tcp,
                      .state = FlowState::established,
                      .life = 100s};
    write_piece({9, PieceKind::changes, {record}}, piece);
    REQUIRE(pair.standby_sync.adopt(piece));
    pair.talk();
    CHECK(pair.adopted().no_server == 1);
    CHECK(pair.adopted().pieces_missed == 1);
    CHECK(pair.standby.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder sync: a full table drops what is told, and takes what it has room for") {
    Pair pair({.mode = config::Mode::dr, .server_port = 0});
    Setting small = pair.active.setting;
    small.flows_max = 10;
    World standby(small);
    FlowSync sync;
    sync.attach({[] {}});
    pair.open_flows(1'000, 30);
    pair.active_sync.begin();
    pair.active.forwarder.exchange(pair.active_sync, pair.active.now);
    REQUIRE(sync.adopt(pair.active_sync.take(1'000'000, pair.active.now)));
    standby.forwarder.exchange(sync, standby.now);
    CHECK(sync.adopting().adopted == 10);
    CHECK(sync.adopting().no_room == 20);
    CHECK(standby.forwarder.flows().size() == 10);
}

TEST_CASE("l4 forwarder sync: a server that only the standby sees down keeps its flows, unreset") {
    Pair pair({});
    pair.active_sync.begin();
    const PacketView out = pair.active.establish();
    pair.talk();
    pair.standby.server(out).set_health(pool::Health::down, "test");
    pair.standby.forwarder.servers_lost();
    pair.standby.wait(0s);
    CHECK(pair.standby.forwarder.answers().empty());
    CHECK(pair.standby.forwarder.flows().size() == 1);
    // Once its packets come here it is a flow like any other.
    CHECK(pair.standby.dropped(pair.standby.made(tcp_ack)) == Drop::server_gone);
    CHECK(pair.standby.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder sync: a flow that was seen here later than there stays as it is") {
    Pair pair({});
    pair.active_sync.begin();
    pair.active.establish();
    pair.talk();
    pair.active.wait(300s);
    pair.standby.wait(300s);
    pair.standby.sent(pair.standby.made(tcp_ack));  // the takeover
    pair.active_sync.begin();                       // the old one speaks once more
    pair.talk();
    CHECK(pair.adopted().older == 1);
    pair.standby.wait(890s);
    CHECK(pair.standby.forwarder.flows().size() == 1);
}

TEST_CASE("l4 forwarder sync: more changes than the queue holds are repaired, none is lost") {
    Setting setting{.mode = config::Mode::dr, .server_port = 0, .flows_max = 80'000};
    Pair pair(setting);
    pair.active_sync.begin();
    pair.talk();
    constexpr std::uint32_t count = FlowTeller::queue_max + 4'000;
    for (std::uint32_t i = 0; i < count; ++i) {
        Made packet = pair.active.made();
        packet.from_port = static_cast<std::uint16_t>(1 + i % 60'000);
        packet.from = i < 60'000 ? "192.0.2.1" : "192.0.2.2";
        pair.active.sent(packet);
        packet.flags = tcp_ack;
        pair.active.sent(packet);
    }
    const auto waiting = [&] { return pair.active_sync.telling(pair.active.now); };
    pair.active.forwarder.exchange(pair.active_sync, pair.active.now);
    CHECK(waiting().waiting > 60'000);
    CHECK(waiting().repairs == 1);
    pair.talk();
    CHECK(pair.standby.forwarder.flows().size() == count);
    CHECK(waiting().waiting == 0);
}

TEST_CASE("l4 forwarder sync: a flood of SYNs is not told") {
    Setting setting{.mode = config::Mode::dr, .server_port = 0, .flows_max = 20'000};
    Pair pair(setting);
    pair.active_sync.begin();
    pair.talk();
    for (std::uint16_t port = 1; port <= 15'000; ++port) {
        Made packet = pair.active.made();
        packet.from_port = port;
        pair.active.sent(packet);
    }
    pair.talk();
    CHECK(pair.standby.forwarder.flows().size() <= FlowTeller::half_open_calm);
    CHECK(pair.standby.forwarder.flows().size() > 0);
}

TEST_CASE("l4 forwarder sync: one-packet datagrams have a flow for each server there, too") {
    Pair pair({.layer4 = {.one_packet = true}});
    pair.active_sync.begin();
    for (int i = 0; i < 4; ++i)
        pair.active.sent(datagram_of(pair.active));
    pair.talk();
    CHECK(pair.standby.forwarder.flows().size() == 2);
}
