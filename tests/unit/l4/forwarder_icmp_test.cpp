// ICMP, fragments and sizes: what is about flows, and what has no ports.
#include "l4/forwarder.hpp"
#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

TEST_CASE("l4 forwarder: later fragments follow the first one") {
    World world({});
    Made first = world.made();
    first.protocol = protocol_udp;
    first.payload = 64;
    first.fragment = 0x2000;
    const PacketView out = world.sent(first);
    Made later = first;
    later.fragment = 0x0009;
    Bytes frame = make_packet(later);
    REQUIRE(world.pass(frame).action == Action::send);
    CHECK(read_frame(frame)->destination == out.destination);
    CHECK(checksums_hold(frame));
    later.from = "192.0.2.9";  // whose first fragment was never seen
    frame = make_packet(later);
    CHECK(world.pass(frame).action == Action::ignore);
}

TEST_CASE("l4 forwarder: what is too big for the way on is told to its sender") {
    for (const bool v6 : {false, true}) {
        World world({.v6 = v6});
        world.forwarder.set_links({{1, our_mac, 1'500}, {2, our_mac, 1'280}});
        world.establish();
        Made big = world.made(tcp_ack);
        big.payload = 1'400;
        big.fragment = 0x4000;
        CHECK(world.dropped(big) == Drop::too_big);
        REQUIRE(world.forwarder.answers().size() == 1);
        const Answer& answer = world.forwarder.answers()[0];
        const Bytes frame(answer.frame().begin(), answer.frame().end());
        CHECK(checksums_hold(frame));
        const PacketView told = *read_frame(frame);
        CHECK(told.icmp_error);
        CHECK(told.destination == ip(world.client()));
        CHECK(load_be32(&frame[told.transport + 4U]) % 65'536 == 1'280);
        CHECK(read_ip(frame, told.inner, false)->destination_port == 80);

        // A super-packet is as big as its segments.
        world.forwarder.clear_answers();
        big.payload = 20'000;
        world.offload.segment_bytes = 1'000;
        world.sent(big);
        world.offload.segment_bytes = 1'400;
        CHECK(world.dropped(big) == Drop::too_big);
    }
}

// What is told of a packet: to whom, by whom, the ICMP type, about which port.
struct Told {
    explicit Told(const Answer& answer) : frame(answer.frame().begin(), answer.frame().end()) {
        CHECK(checksums_hold(frame));
        packet = *read_frame(frame);
        REQUIRE(packet.icmp_error);
        type = frame[packet.transport];
        code = frame[packet.transport + 1U];
        about = *read_ip(frame, packet.inner, false);
    }

    Bytes frame;
    PacketView packet;
    PacketView about;
    int type = -1;
    int code = -1;
};

TEST_CASE("l4 forwarder: whose time to live ends here is told to its sender, without a flow") {
    for (const bool v6 : {false, true}) {
        for (const bool one_packet : {false, true}) {
            for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
                for (const std::uint8_t hops : {0, 1}) {
                    World world({.v6 = v6});
                    world.setting.layer4.one_packet = one_packet;
                    world.adopt(true);
                    Made probe = world.made();
                    probe.protocol = protocol;
                    probe.hops = hops;
                    CHECK(world.dropped(probe) == Drop::hops_exceeded);
                    REQUIRE(world.forwarder.answers().size() == 1);
                    const Told told(world.forwarder.answers()[0]);
                    CHECK(world.forwarder.answers()[0].link == 0);
                    CHECK(std::equal(client_mac.begin(), client_mac.end(), told.frame.begin()));
                    CHECK(told.packet.source == ip(world.vip()));
                    CHECK(told.packet.destination == ip(world.client()));
                    CHECK(told.type == (v6 ? 3 : 11));
                    CHECK(told.code == 0);
                    CHECK(told.about.source_port == 40'000);
                    CHECK(told.about.destination_port == 80);
                    CHECK(world.forwarder.flows().size() == 0);
                }
            }
        }
    }
}

TEST_CASE("l4 forwarder: a server's packet whose time ends here is told to the server") {
    World world({});
    const PacketView out = world.establish();
    Made late = world.from_server(out, tcp_ack);
    late.hops = 1;
    CHECK(world.dropped(late, 1) == Drop::hops_exceeded);
    REQUIRE(world.forwarder.answers().size() == 1);
    const Told told(world.forwarder.answers()[0]);
    CHECK(told.packet.destination == out.destination);
    CHECK(world.forwarder.answers()[0].link == 1);
}

TEST_CASE("l4 forwarder: of time that ends no more is told than a traceroute needs") {
    World world({});
    Made probe = world.made();
    probe.hops = 1;
    unsigned told = 0;
    for (int i = 0; i < 1'000; ++i) {
        CHECK(world.dropped(probe) == Drop::hops_exceeded);
        told += static_cast<unsigned>(world.forwarder.answers().size());
        world.forwarder.clear_answers();
    }
    CHECK(told == Forwarder::time_exceeded_per_second);
    world.now += 1s;
    world.dropped(probe);
    CHECK(world.forwarder.answers().size() == 1);
    CHECK(world.drops(Drop::hops_exceeded) == 1'001);
}

TEST_CASE("l4 forwarder: nothing is told of a later fragment, of an ICMP error, or by dr") {
    World world({});
    Made first = world.made();
    first.protocol = protocol_udp;
    first.payload = 64;
    first.fragment = 0x2000;
    const PacketView out = world.sent(first);
    const Bytes to_server = world.last;
    Made later = first;
    later.fragment = 0x0009;
    later.hops = 1;
    CHECK(world.dropped(later) == Drop::hops_exceeded);
    Bytes error = make_icmp_error("10.1.0.254", world.client(), to_server, 28, 3);
    error[ethernet_bytes + 8] = 1;
    CHECK(world.pass(error, 1).reason == Drop::hops_exceeded);
    CHECK(world.forwarder.answers().empty());
    CHECK(out.hops == 63);

    World direct({.mode = config::Mode::dr, .server_port = 0});
    Made probe = direct.made();
    probe.hops = 1;
    CHECK(direct.sent(probe).hops == 1);
}

TEST_CASE("l4 forwarder: ICMP errors reach the end that they are about") {
    for (const bool v6 : {false, true}) {
        for (const std::size_t quoted : {v6 ? 48U : 28U, v6 ? 60U : 40U}) {
            World world({.v6 = v6});
            const PacketView out = world.sent(world.made());
            const Bytes to_server = world.last;
            world.sent(world.from_server(out, tcp_syn | tcp_ack), 1);
            const Bytes to_client = world.last;
            const std::uint8_t type = v6 ? 2 : 3;

            // A router on the client's side, about what left for the client.
            Bytes error = make_icmp_error(v6 ? "2001:db8:9::fe" : "192.0.2.254", world.vip(),
                                          to_client, quoted, type);
            REQUIRE(world.pass(error).action == Action::send);
            CHECK(checksums_hold(error));
            PacketView view = *read_frame(error);
            CHECK(view.destination == out.destination);
            PacketView inner = *read_ip(error, view.inner, false);
            CHECK(inner.source == out.destination);
            CHECK(inner.source_port == 8'080);

            // The server itself, about what the client has sent.
            const std::string server = v6 ? fmt::format("fd00::{}", out.destination[15])
                                          : fmt::format("10.1.0.{}", out.destination[15]);
            error = make_icmp_error(server, world.client(), to_server, quoted, type);
            REQUIRE(world.pass(error, 1).action == Action::send);
            CHECK(checksums_hold(error));
            view = *read_frame(error);
            CHECK(view.source == ip(world.vip()));
            CHECK(view.destination == ip(world.client()));
            inner = *read_ip(error, view.inner, false);
            CHECK(inner.destination == ip(world.vip()));
            CHECK(inner.destination_port == 80);
        }
    }
}

TEST_CASE(
    "l4 forwarder: ICMP errors of dr go to the server as they are; strange ones are dropped") {
    World world({.mode = config::Mode::dr, .server_port = 0});
    world.sent(world.made());
    const Bytes answer = make_packet(
        {.from = world.vip(), .to = world.client(), .from_port = 80, .to_port = 40'000});
    Bytes error = make_icmp_error("192.0.2.254", world.vip(), answer, 28, 3);
    const Bytes before = error;
    CHECK(world.pass(error).action == Action::send);
    CHECK(std::equal(error.begin() + 12, error.end(), before.begin() + 12));
    const Bytes other =
        make_packet({.from = world.vip(), .to = world.client(), .from_port = 80, .to_port = 9});
    error = make_icmp_error("192.0.2.254", world.vip(), other, 28, 3);
    CHECK(world.pass(error).reason == Drop::icmp_unrelated);
}
