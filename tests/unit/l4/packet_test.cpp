#include "l4/packet.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;

TEST_CASE("l4 packet: addresses, ports, flags, hops") {
    const auto view = read_frame(make_packet({.flags = tcp_syn | tcp_ack, .hops = 9}));
    REQUIRE(view);
    CHECK(view->version == 4);
    CHECK(view->protocol == protocol_tcp);
    CHECK(view->source == ip("192.0.2.1"));
    CHECK(view->destination == ip("10.0.0.100"));
    CHECK(view->source_port == 40'000);
    CHECK(view->destination_port == 80);
    CHECK(view->tcp_flags == (tcp_syn | tcp_ack));
    CHECK(view->hops == 9);
    CHECK(view->has_ports);
}

TEST_CASE("l4 packet: VLAN tags, IPv4 options, padding") {
    Bytes frame = make_packet({.options = 3, .vlan_tags = 2});
    const std::size_t bytes = frame.size();
    frame.resize(bytes + 20);  // as short Ethernet frames have
    const auto view = read_frame(frame);
    REQUIRE(view);
    CHECK(view->network == 22);
    CHECK(view->transport == 22 + 32);
    CHECK(view->end == bytes);
    CHECK(view->destination_port == 80);
}

TEST_CASE("l4 packet: fragments of IPv4") {
    const auto first = read_frame(make_packet({.protocol = protocol_udp, .fragment = 0x2000}));
    REQUIRE(first);
    CHECK(first->fragment == Fragment::first);
    CHECK(first->has_ports);
    const auto later = read_frame(make_packet({.protocol = protocol_udp, .fragment = 0x2010}));
    REQUIRE(later);
    CHECK(later->fragment == Fragment::later);
    CHECK_FALSE(later->has_ports);
    CHECK(later->fragment_id == first->fragment_id);
}

TEST_CASE("l4 packet: extension headers of IPv6 are walked, and they end") {
    Bytes frame = make_packet({.from = "2001:db8::1", .to = "2001:db8::100"});
    const std::uint8_t hop_by_hop[8] = {protocol_tcp, 0, 1, 4, 0, 0, 0, 0};
    frame[ethernet_bytes + 6] = 0;
    frame.insert(frame.begin() + ethernet_bytes + 40, std::begin(hop_by_hop), std::end(hop_by_hop));
    store_be16(&frame[ethernet_bytes + 4], 28);
    const auto view = read_frame(frame);
    REQUIRE(view);
    CHECK(view->transport == ethernet_bytes + 48);
    CHECK(view->destination_port == 80);

    frame[ethernet_bytes + 40 + 1] = 200;  // longer than the packet
    CHECK(read_frame(frame).error() == Drop::malformed);

    Bytes many = make_packet({.from = "2001:db8::1", .to = "2001:db8::100", .payload = 200});
    many[ethernet_bytes + 6] = 0;
    for (std::size_t i = ethernet_bytes + 40; i < many.size(); ++i)
        many[i] = 0;  // hop-by-hop headers without end
    CHECK(read_frame(many).error() == Drop::unsupported);
}

TEST_CASE("l4 packet: a fragment header of IPv6") {
    Bytes frame = make_packet(
        {.from = "2001:db8::1", .to = "2001:db8::100", .protocol = protocol_udp, .payload = 32});
    std::uint8_t header[8] = {protocol_udp, 0, 0, 1, 1, 2, 3, 4};
    frame[ethernet_bytes + 6] = 44;
    frame.insert(frame.begin() + ethernet_bytes + 40, std::begin(header), std::end(header));
    store_be16(&frame[ethernet_bytes + 4], 48);
    auto view = read_frame(frame);
    REQUIRE(view);
    CHECK(view->fragment == Fragment::first);
    CHECK(view->fragment_id == 0x01020304);
    CHECK(view->destination_port == 80);
    store_be16(&frame[ethernet_bytes + 40 + 2], 8);
    view = read_frame(frame);
    REQUIRE(view);
    CHECK(view->fragment == Fragment::later);
    CHECK_FALSE(view->has_ports);
}

TEST_CASE("l4 packet: every cut of every kind is refused or read within its bounds") {
    std::vector<Bytes> kinds{
        make_packet({.payload = 10, .options = 5, .vlan_tags = 1}),
        make_packet({.protocol = protocol_udp, .payload = 10}),
        make_packet({.from = "2001:db8::1", .to = "2001:db8::100"}),
        make_icmp_error("10.0.0.1", "10.0.0.100", make_packet({.payload = 20}), 28, 3),
    };
    for (const Bytes& whole : kinds) {
        REQUIRE(read_frame(whole));
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
            CHECK_FALSE(read_frame(cut));
        }
    }
}

TEST_CASE("l4 packet: impossible lengths are refused") {
    const auto with = [](std::size_t at, std::uint8_t value) {
        Bytes frame = make_packet({});
        frame[ethernet_bytes + at] = value;
        return read_frame(frame);
    };
    CHECK(with(0, 0x44).error() == Drop::malformed);        // header shorter than any
    CHECK(with(0, 0x4f).error() == Drop::malformed);        // longer than the packet
    CHECK(with(2, 0xff).error() == Drop::malformed);        // total length
    CHECK(with(3, 10).error() == Drop::malformed);          // shorter than the header
    CHECK(with(20 + 12, 0x10).error() == Drop::malformed);  // TCP header
    CHECK(with(20 + 12, 0xf0).error() == Drop::malformed);
}

TEST_CASE("l4 packet: random bytes never lead out of bounds") {
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        Bytes frame = make_packet({.payload = 30, .options = i % 5, .vlan_tags = i % 3});
        for (int change = 0; change < 6; ++change)
            frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
        frame.resize(random() % (frame.size() + 1));
        const auto view = read_frame(frame);
        if (!view) continue;
        CHECK(view->end <= frame.size());
        CHECK(view->transport <= view->end);
    }
}
