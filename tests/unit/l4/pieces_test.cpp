// Packets for a smaller network: put together again, the pieces are the packet.
#include "l4/pieces.hpp"

#include "l4/forwarder.hpp"
#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;

namespace {

constexpr std::size_t head = ethernet_bytes + 20;

Made datagram(std::size_t payload, std::uint16_t fragment = 0) {
    Made made;
    made.protocol = protocol_udp;
    made.payload = payload;
    made.fragment = fragment;
    return made;
}

std::uint16_t field_of(std::span<const std::uint8_t> frame) {
    return load_be16(&frame[ethernet_bytes + 6]);
}

// What the receiver makes of them, checked piece by piece.
Bytes put_together(std::span<const Answer> pieces, std::uint32_t mtu,
                   std::size_t first_offset = 0) {
    Bytes whole;
    for (const Answer& piece : pieces) {
        const Bytes frame(piece.frame().begin(), piece.frame().end());
        CHECK(checksums_hold(frame));
        CHECK(frame.size() <= mtu + ethernet_bytes);
        CHECK(load_be16(&frame[ethernet_bytes + 2]) == frame.size() - ethernet_bytes);
        CHECK((field_of(frame) & 0x1fffU) * 8U == first_offset + whole.size());
        whole.insert(whole.end(), frame.begin() + head, frame.end());
    }
    return whole;
}

Bytes payload_of(const Bytes& frame) {
    return {frame.begin() + head, frame.end()};
}

}  // namespace

TEST_CASE("l4 pieces: how many a network needs, and what must not be cut") {
    struct Row {
        std::string about;
        Made made;
        std::uint32_t mtu;
        Offload offload;
        std::size_t pieces;
    };
    Made options = datagram(1'400);
    options.options = 1;
    Made six = datagram(1'400);
    six.from = "2001:db8::1";
    six.to = "2001:db8::2";
    for (const Row& row : {
             Row{"two", datagram(1'400), 1'280, {}, 2},
             Row{"just two of 1 256", datagram(2 * 1'256 - 8), 1'280, {}, 2},
             Row{"one byte more", datagram(2 * 1'256 - 7), 1'280, {}, 3},
             Row{"an odd size is used in units of 8", datagram(2 * 1'256 - 8), 1'275, {}, 3},
             Row{"the smallest network", datagram(1'400), 68, {}, 30},
             Row{"no room for a byte", datagram(1'400), 27, {}, 0},
             Row{"do not fragment", datagram(1'400, 0x4000), 1'280, {}, 0},
             Row{"a fragment", datagram(1'400, 0x2000), 1'280, {}, 2},
             Row{"a super-packet", datagram(1'400), 1'280, {false, 1'300}, 0},
             Row{"options", options, 1'280, {}, 0},
             Row{"IPv6", six, 1'280, {}, 0},
         }) {
        CAPTURE(row.about);
        const Bytes frame = make_packet(row.made);
        CHECK(pieces_needed(frame, *read_frame(frame), row.offload, row.mtu) == row.pieces);
    }
}

TEST_CASE("l4 pieces: put together they are the packet, at whatever size") {
    for (const std::size_t payload : {1'300U, 1'473U, 3'000U, 8'900U}) {
        for (const std::uint32_t mtu : {68U, 576U, 1'280U, 1'400U}) {
            for (const int tags : {0, 1}) {
                Made made = datagram(payload);
                made.vlan_tags = tags;
                Bytes frame = make_packet(made);
                const PacketView view = *read_frame(frame);
                std::vector<Answer> pieces(pieces_needed(frame, view, {}, mtu));
                REQUIRE(pieces.size() >= 2);
                cut(frame, view, {}, mtu, pieces);
                for (const Answer& piece : pieces) {
                    const auto part = *read_frame(piece.frame());
                    CHECK(part.end - part.network <= mtu);
                    CHECK(part.fragment_id == view.fragment_id);
                    CHECK(part.fragment != Fragment::none);
                }
                if (tags == 0) CHECK(put_together(pieces, mtu) == payload_of(frame));
            }
        }
    }
}

TEST_CASE("l4 pieces: a fragment is cut further, and only the very last is the end") {
    struct Row {
        std::uint16_t field;
        std::size_t offset;
        std::uint16_t last;
    };
    for (const Row& row : {Row{0, 0, 157}, Row{0x2000, 0, 0x2000 | 157},
                           Row{0x2000 | 185, 1'480, 0x2000 | 342}, Row{185, 1'480, 342}}) {
        Bytes frame = make_packet(datagram(1'400, row.field));
        const PacketView view = *read_frame(frame);
        std::vector<Answer> pieces(pieces_needed(frame, view, {}, 1'280));
        REQUIRE(pieces.size() == 2);
        cut(frame, view, {}, 1'280, pieces);
        CHECK(put_together(pieces, 1'280, row.offset) == payload_of(frame));
        CHECK(field_of(pieces[0].frame()) == ((row.field & 0x1fff) | 0x2000));
        CHECK(field_of(pieces[1].frame()) == row.last);
    }
}

TEST_CASE("l4 pieces: a checksum that was left to the hardware is made before") {
    for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
        Made made = datagram(1'400);
        made.protocol = protocol;
        const Bytes whole = make_packet(made);
        made.partial = true;
        Bytes frame = make_packet(made);
        const PacketView view = *read_frame(frame);
        std::vector<Answer> pieces(2);
        cut(frame, view, {true, 0}, 1'280, pieces);
        CHECK(put_together(pieces, 1'280) == payload_of(whole));
    }
}

TEST_CASE("l4 forwarder: what may be cut goes on in pieces, translated, in both directions") {
    World world({});
    world.forwarder.set_links({{1, our_mac, 1'280}, {2, our_mac, 1'280}});
    Bytes frame = make_packet(datagram(1'400));
    const Verdict verdict = world.pass(frame);
    REQUIRE(verdict.action == Action::cut);
    REQUIRE(world.forwarder.answers().size() == 2);
    for (const Answer& piece : world.forwarder.answers()) {
        CHECK(piece.link == 1);
        CHECK(std::equal(server_mac.begin(), server_mac.end(), piece.data.begin()));
        CHECK(std::equal(our_mac.begin(), our_mac.end(), piece.data.begin() + 6));
    }
    const auto first = *read_frame(world.forwarder.answers()[0].frame());
    CHECK(first.destination_port == 8'080);
    CHECK(first.hops == 63);
    Made as_sent = datagram(1'400);
    const std::string server = fmt::format("10.1.0.{}", first.destination[15]);
    as_sent.to = server;
    as_sent.to_port = 8'080;
    CHECK(put_together(world.forwarder.answers(), 1'280) == payload_of(make_packet(as_sent)));
    CHECK(world.counters->packets_in.value() == 1);
    CHECK(world.drops(Drop::too_big) == 0);

    world.forwarder.clear_answers();
    Made back = world.from_server(first, 0, protocol_udp);
    back.payload = 1'400;
    frame = make_packet(back);
    CHECK(world.pass(frame, 1).action == Action::cut);
    for (const Answer& piece : world.forwarder.answers())
        CHECK(piece.link == 0);
    CHECK(read_frame(world.forwarder.answers()[0].frame())->source == ip(world.vip()));
}

TEST_CASE("l4 forwarder: a packet whose pieces find no room is dropped whole") {
    World world({});
    world.forwarder.set_links({{1, our_mac, 1'500}, {2, our_mac, 1'280}});
    std::vector<Bytes> frames(Forwarder::answers_max / 2 + 3, make_packet(datagram(1'400)));
    std::vector<Input> inputs;
    for (Bytes& frame : frames)
        inputs.push_back({frame, {}, 0});
    std::vector<Verdict> verdicts(inputs.size());

    world.forwarder.handle(inputs, verdicts, world.now);

    CHECK(std::ranges::count(verdicts, Action::cut, &Verdict::action) ==
          Forwarder::answers_max / 2);
    CHECK(world.drops(Drop::too_big) == 3);
    CHECK(world.forwarder.answers().size() == Forwarder::answers_max);
}
