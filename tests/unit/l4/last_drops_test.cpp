// Examples of dropped packets: which are kept, and what is said of them.
#include "l4/last_drops.hpp"

#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

DroppedPacket example(const Made& made) {
    DroppedPacket dropped;
    dropped.packet = *read_frame(make_packet(made));
    return dropped;
}

Made with(std::uint8_t protocol, std::uint8_t flags = 0, std::uint16_t fragment = 0) {
    Made made;
    made.protocol = protocol;
    made.flags = flags;
    made.fragment = fragment;
    return made;
}

std::vector<DroppedPacket> of_service(const World& world) {
    return world.counters->last_drops.all();
}

}  // namespace

TEST_CASE("l4 last drops: a packet is told by its kind, its size and its ends") {
    struct Row {
        Made made;
        std::string text;
    };
    const std::string ends = " from 192.0.2.1:40000 to 10.0.0.100:80";
    for (const Row& row : {
             Row{with(protocol_tcp, tcp_syn), "TCP SYN of 40 bytes" + ends},
             Row{with(protocol_tcp, tcp_syn | tcp_ack), "TCP SYN-ACK of 40 bytes" + ends},
             Row{with(protocol_tcp, tcp_fin | tcp_ack), "TCP FIN of 40 bytes" + ends},
             Row{with(protocol_tcp, tcp_rst | tcp_ack), "TCP RST of 40 bytes" + ends},
             Row{with(protocol_tcp, tcp_ack), "TCP ACK of 40 bytes" + ends},
             Row{with(protocol_udp), "UDP of 28 bytes" + ends},
             Row{with(protocol_udp, 0, 9),
                 "later fragment of 28 bytes from 192.0.2.1 to 10.0.0.100"},
         }) {
        CHECK(to_text(example(row.made)) == row.text);
    }
    DroppedPacket lost;
    lost.packets = 12;
    CHECK(to_text(lost) == "12 packets");
}

TEST_CASE("l4 last drops: of a broken packet the addresses are told where they can be") {
    Bytes frame = make_packet({});
    CHECK(to_text(broken_packet(frame, Drop::malformed)) ==
          "packet of 54 bytes from 192.0.2.1 to 10.0.0.100");
    frame = make_packet({.from = "2001:db8::1", .to = "2001:db8::2"});
    CHECK(to_text(broken_packet(frame, Drop::malformed)) ==
          "packet of 74 bytes from 2001:db8::1 to 2001:db8::2");
    CHECK(to_text(broken_packet({}, Drop::malformed)) == "1 packet");
    for (const std::size_t size : {0U, 13U, 14U, 33U, 53U}) {
        CAPTURE(size);
        const std::string text =
            to_text(broken_packet(std::span(frame).first(size), Drop::malformed));
        CHECK(text.find("from") == std::string::npos);
    }
}

TEST_CASE("l4 last drops: the last ones of each reason are kept, whatever the others do") {
    LastDrops drops;
    DroppedPacket one = example({});
    one.at = LastDrops::Time{1h};
    one.reason = Drop::no_neighbour;
    drops.add(one);
    one.reason = Drop::no_server;
    for (std::uint16_t i = 0; i < 100; ++i) {
        one.at += LastDrops::pause;
        one.client = {ip("192.0.2.1"), i};
        REQUIRE(drops.wants(one.reason, one.at));
        drops.add(one);
        CHECK_FALSE(drops.wants(one.reason, one.at));
        CHECK_FALSE(drops.wants(one.reason, one.at + LastDrops::pause - 1ms));
        CHECK(drops.wants(Drop::too_big, one.at));
    }

    const auto all = drops.all();

    REQUIRE(all.size() == LastDrops::kept + 1);
    for (std::size_t i = 0; i < LastDrops::kept; ++i)
        CHECK(all[i].client.port == 99 - i);
    CHECK(all.back().reason == Drop::no_neighbour);
}

TEST_CASE("l4 forwarder: a dropped packet is an example with its client, once in a while") {
    World world({});
    for (const auto& server : world.pool->servers())
        server->set_admin(pool::AdminState::halt);
    for (int i = 0; i < 3; ++i)
        CHECK(world.dropped(world.made()) == Drop::no_server);

    CHECK(world.drops(Drop::no_server) == 3);
    REQUIRE(of_service(world).size() == 1);
    const DroppedPacket first = of_service(world)[0];
    CHECK(first.reason == Drop::no_server);
    CHECK(first.at == world.now);
    CHECK(to_string(first.client) == "192.0.2.1:40000");
    CHECK(first.server == UINT16_MAX);
    CHECK(to_text(first) == "TCP SYN of 40 bytes from 192.0.2.1:40000 to 10.0.0.100:80");

    world.now += LastDrops::pause;
    world.dropped(world.made());
    CHECK(of_service(world).size() == 2);
}

TEST_CASE("l4 forwarder: an example names the server and the client of its flow") {
    World world({});
    const PacketView out = world.establish();
    const std::uint16_t server = out.destination[15] - 1U;
    Made big = world.from_server(out, tcp_ack);
    big.payload = 1'600;
    big.fragment = 0x4000;
    CHECK(world.dropped(big, 1) == Drop::too_big);
    world.server(out).set_admin(pool::AdminState::halt);
    CHECK(world.dropped(world.from_server(out, tcp_ack), 1) == Drop::server_gone);

    const auto all = of_service(world);

    REQUIRE(all.size() == 2);
    for (const DroppedPacket& one : all) {
        CHECK(one.server == server);
        CHECK(to_string(one.client) == "192.0.2.1:40000");
    }
}

TEST_CASE("l4 forwarder: broken packets and those that the ring lost are examples, too") {
    World world({});
    Bytes frame = make_packet(world.made());
    frame.resize(frame.size() - 8);
    CHECK(world.pass(frame).reason == Drop::malformed);
    world.forwarder.lost(Drop::ring_full, 70);

    const auto all = world.forwarder.last_drops().all();

    REQUIRE(all.size() == 2);
    CHECK(to_text(all[0]) == "packet of 46 bytes from 192.0.2.1 to 10.0.0.100");
    CHECK(to_text(all[1]) == "70 packets");
}

TEST_CASE("l4 drop reasons: each says what is wrong and what to do, in sentences") {
    for (std::size_t i = 1; i < static_cast<std::size_t>(Drop::count_); ++i) {
        const DropFacts& one = facts(static_cast<Drop>(i));
        CAPTURE(one.name);
        CHECK(one.text.ends_with('.'));
        CHECK(one.cure.ends_with('.'));
        CHECK((one.side == "client" || one.side == "server" || one.side == "us"));
    }
}
