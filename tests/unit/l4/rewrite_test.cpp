#include "l4/rewrite.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;

namespace {

PacketView view_of(const Bytes& frame) {
    const auto view = read_frame(frame);
    REQUIRE(view);
    return *view;
}

Ip random_ip(std::mt19937& random, bool v4) {
    Ip made = v4 ? ip("1.2.3.4") : ip("2001:db8::1");
    for (std::size_t i = v4 ? 12 : 2; i < made.size(); ++i)
        made[i] = static_cast<std::uint8_t>(random() % 4 == 0 ? 0xff : random());
    return made;
}

// The sum of the pseudo header stands where the checksum will be.
bool partial_holds(const Bytes& frame) {
    const PacketView view = view_of(frame);
    const std::size_t at = view.transport + (view.protocol == protocol_tcp ? 16U : 6U);
    return load16(&frame[at]) % 0xffff ==
           fold(pseudo_header_sum(view, view.end - view.transport)) % 0xffff;
}

}  // namespace

TEST_CASE("l4 rewrite: what was changed step by step equals what is summed anew") {
    std::mt19937 random(11);
    for (int i = 0; i < 200'000; ++i) {
        Made made;
        const bool v4 = random() % 2 == 0;
        if (!v4) made.from = "2001:db8::1", made.to = "2001:db8::100";
        made.protocol = random() % 2 == 0 ? protocol_tcp : protocol_udp;
        made.payload = random() % 40;
        made.partial = random() % 4 == 0;
        made.options = v4 ? static_cast<int>(random() % 3) : 0;
        made.from_port = static_cast<std::uint16_t>(random());
        Bytes frame = make_packet(made);
        PacketView view = view_of(frame);
        const Offload offload{made.partial, 0};
        const Side side = random() % 2 == 0 ? Side::source : Side::destination;
        const Ip to = random_ip(random, v4);
        const auto port = static_cast<std::uint16_t>(random() % 3 == 0 ? 0xffff : random());
        set_endpoint(frame, view, offload, side, to, port);
        REQUIRE(take_hop(frame, view));
        const PacketView after = view_of(frame);
        REQUIRE((side == Side::source ? after.source : after.destination) == to);
        REQUIRE((side == Side::source ? after.source_port : after.destination_port) == port);
        REQUIRE(after.hops == made.hops - 1);
        if (made.partial)
            REQUIRE(partial_holds(frame));
        else
            REQUIRE(checksums_hold(frame));
    }
}

TEST_CASE("l4 rewrite: a datagram without a checksum stays without one") {
    Bytes frame = make_packet({.protocol = protocol_udp, .payload = 5});
    PacketView view = view_of(frame);
    store16(&frame[view.transport + 6U], 0);
    set_endpoint(frame, view, {}, Side::destination, ip("10.9.9.9"), 5'353);
    CHECK(load16(&frame[view.transport + 6U]) == 0);
    CHECK(checksums_hold(frame));
}

TEST_CASE("l4 rewrite: a checksum of a datagram never becomes the one that means none") {
    std::mt19937 random(3);
    for (int i = 0; i < 200'000; ++i) {
        Bytes frame = make_packet({.protocol = protocol_udp});
        PacketView view = view_of(frame);
        set_endpoint(frame, view, {}, Side::source, ip("192.0.2.1"), static_cast<std::uint16_t>(i));
        REQUIRE(load16(&frame[view.transport + 6U]) != 0);
    }
}

TEST_CASE("l4 rewrite: a later fragment changes its address alone") {
    Bytes frame = make_packet({.protocol = protocol_udp, .payload = 16, .fragment = 0x0010});
    PacketView view = view_of(frame);
    const Bytes data(frame.begin() + view.transport, frame.end());
    set_endpoint(frame, view, {}, Side::destination, ip("10.9.9.9"), 53);
    CHECK(view_of(frame).destination == ip("10.9.9.9"));
    CHECK(Bytes(frame.begin() + view.transport, frame.end()) == data);
    CHECK(checksums_hold(frame));
}

TEST_CASE("l4 rewrite: the last hop is not taken") {
    Bytes frame = make_packet({.hops = 1});
    PacketView view = view_of(frame);
    CHECK_FALSE(take_hop(frame, view));
}
