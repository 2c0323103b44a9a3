// Flows in their form for the wire, and bytes that are none.
#include "l4/flow_record.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

FlowRecord tcp_flow() {
    return {.client = ip("192.0.2.1"),
            .vip = ip("10.0.0.100"),
            .client_port = 40'000,
            .port = 80,
            .server = 0x1122334455667788,
            .link = link_name("eth0"),
            .client_mac = client_mac,
            .protocol = protocol_tcp,
            .state = FlowState::established,
            .fins = 1,
            .answered = true,
            .client_ack = 0xdeadbeef,
            .alias_port = 50'000,
            .life = 899s};
}

FlowRecord udp_flow() {
    FlowRecord flow = tcp_flow();
    flow.client = ip("2001:db8::1");
    flow.vip = ip("2001:db8::100");
    flow.link = link_name("vlan.17");
    flow.protocol = protocol_udp;
    flow.state = FlowState::datagrams;
    flow.answered = false;
    return flow;
}

Bytes written(const FlowPiece& piece) {
    Bytes bytes;
    write_piece(piece, bytes);
    return bytes;
}

std::expected<FlowPiece, PieceError> read(const Bytes& bytes) {
    std::span<const std::uint8_t> left(bytes);
    return read_piece(left);
}

}  // namespace

TEST_CASE("l4 flow record: what is written is read, and piece follows piece") {
    const FlowPiece first{7, PieceKind::changes, {tcp_flow(), udp_flow()}};
    const FlowPiece second{8, PieceKind::everything_ends, {}};
    Bytes bytes = written(first);
    write_piece(second, bytes);
    std::span<const std::uint8_t> left(bytes);
    CHECK(read_piece(left) == first);
    CHECK(read_piece(left) == second);
    CHECK(left.empty());
    CHECK(read_piece(left).error() == PieceError::malformed);
}

TEST_CASE("l4 flow record: the form of version 1 stays as it is") {
    const Bytes bytes = written({1, PieceKind::changes, {tcp_flow()}});
    REQUIRE(bytes.size() == 24 + 16 + 32 + 8);
    const Bytes head{0x50, 0x46, 0x6c, 0x77, 0, 1, 0, 1, 0, 0, 0, 0,
                     0,    0,    0,    1,    0, 1, 0, 0, 0, 0, 0, 80};
    CHECK(std::equal(head.begin(), head.end(), bytes.begin()));
    const Bytes flow{2,    6,    1,    1,    0,    2,    0,    0,    0,    0, 1, 0x9c, 0x40, 0,
                     80,   0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 3, 0x83, 0xc3, 0x50,
                     0xde, 0xad, 0xbe, 0xef, 192,  0,    2,    1,    10,   0, 0, 100};
    CHECK(std::equal(flow.begin(), flow.end(), bytes.begin() + 40));
}

TEST_CASE("l4 flow record: a name too many and a life too long are cut, the flow is told") {
    FlowPiece piece{1, PieceKind::changes, {}};
    for (int i = 0; i < 17; ++i) {
        piece.flows.push_back(tcp_flow());
        piece.flows.back().link = link_name("eth" + std::to_string(i));
    }
    piece.flows[0].life = 24h * 365;
    piece.flows[1].life = 1ms;
    const auto back = read(written(piece));
    REQUIRE(back);
    CHECK(back->flows[0].life == 16'777'215s);
    CHECK(back->flows[1].life == 1s);
    CHECK(back->flows[15].link == link_name("eth15"));
    CHECK(back->flows[16].link == LinkName{});
}

TEST_CASE("l4 flow record: a full piece is within its bounds") {
    const FlowPiece piece{1, PieceKind::everything,
                          std::vector<FlowRecord>(piece_flows_max, udp_flow())};
    const Bytes bytes = written(piece);
    CHECK(bytes.size() <= piece_bytes_max);
    CHECK(read(bytes) == piece);
}

TEST_CASE("l4 flow record: bytes that cannot be are refused") {
    const Bytes good = written({1, PieceKind::changes, {tcp_flow()}});
    struct Row {
        const char* what;
        std::size_t at;
        std::uint8_t value;
        PieceError error = PieceError::malformed;
    };
    const Row rows[] = {{"another magic", 0, 0},
                        {"another version", 5, 2, PieceError::version},
                        {"a kind that is none", 6, 3},
                        {"more names than there are bytes", 7, 200},
                        {"no sequence", 15, 0},
                        {"more flows than there are bytes", 17, 2},
                        {"fewer flows than there are bytes", 17, 0},
                        {"a length beyond the bytes", 23, 81},
                        {"a length within the header", 23, 3},
                        {"a link without a name", 24, 0},
                        {"a name without an end", 39, 'x'},
                        {"a flag that is none", 40, 4},
                        {"a protocol that has no flows", 41, 1},
                        {"a state of the other protocol", 42, 4},
                        {"a state that is none", 42, 5},
                        {"three ends", 43, 4},
                        {"the name of another link", 44, 1},
                        {"an alias that is a port of services", 66, 1}};
    for (const Row& row : rows) {
        Bytes bytes = good;
        bytes[row.at] = row.value;
        INFO(row.what);
        const auto back = read(bytes);
        REQUIRE_FALSE(back);
        CHECK(back.error() == row.error);
    }
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(read(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
}

TEST_CASE("l4 flow record: random changes are refused or read as something that can be written") {
    const Bytes good = written({3, PieceKind::changes, {tcp_flow(), udp_flow()}});
    std::mt19937 random(20);
    for (int round = 0; round < 100'000; ++round) {
        Bytes bytes = good;
        for (std::uint32_t i = random() % 4 + 1; i > 0; --i)
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        const auto back = read(bytes);
        if (back) REQUIRE(read(written(*back)) == *back);
    }
}
