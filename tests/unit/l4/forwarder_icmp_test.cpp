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
