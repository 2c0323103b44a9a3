#include "ha/neighbour_packet.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace poise;
using namespace poise::ha;
using Kind = NeighbourPacket::Kind;

namespace {

constexpr Mac ours{0x02, 0, 0, 0, 0, 1};
constexpr Mac theirs{0x02, 0, 0, 0, 0, 2};

std::string hex(const Frame& frame) {
    std::string text;
    for (const std::byte each : frame.bytes()) {
        std::array<char, 3> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(each));
        text += digits.data();
    }
    return text;
}

std::vector<std::byte> copy(const Frame& frame) {
    const auto bytes = frame.bytes();
    return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_SUITE("ha/neighbour_packet") {
    TEST_CASE("frames are byte for byte what the RFCs say") {
        CHECK(hex(make_announcement(*parse_ip("10.0.0.100"), ours, false)) ==
              "ffffffffffff020000000001080600010800060400010200000000010a000064"
              "0000000000000a000064");
        CHECK(hex(make_announcement(*parse_ip("10.0.0.100"), ours, true)) ==
              "ffffffffffff020000000001080600010800060400020200000000010a000064"
              "ffffffffffff0a000064");
        CHECK(hex(make_question(*parse_ip("10.0.0.100"), ours, *parse_ip("10.0.0.1"), theirs)) ==
              "020000000002020000000001080600010800060400010200000000010a000064"
              "0000000000000a000001");
        // The sum was computed by another program.
        CHECK(hex(make_announcement(*parse_ip("fd00::100"), ours, false)) ==
              "33330000000102000000000186dd6000000000203afffd000000000000000000000000000100"
              "ff0200000000000000000000000000018800589d20000000fd000000000000000000000000000100"
              "0201020000000001");
    }

    TEST_CASE("what is made is read as what it means") {
        const auto v4 = *parse_ip("10.0.0.100"), v4_other = *parse_ip("10.0.0.1");
        const auto v6 = *parse_ip("fd00::100"), v6_other = *parse_ip("fd00::1");

        CHECK(parse_neighbour_packet(make_announcement(v4, ours, false).bytes()) ==
              NeighbourPacket{Kind::question, v4, v4, ours});
        CHECK(parse_neighbour_packet(make_announcement(v4, ours, true).bytes()) ==
              NeighbourPacket{Kind::answer, v4, v4, ours});
        CHECK(parse_neighbour_packet(make_announcement(v6, ours, false).bytes()) ==
              NeighbourPacket{Kind::answer, v6, *parse_ip("ff02::1"), ours});
        for (const Mac& to : {theirs, broadcast_mac}) {
            CHECK(parse_neighbour_packet(make_question(v4, ours, v4_other, to).bytes()) ==
                  NeighbourPacket{Kind::question, v4, v4_other, ours});
            CHECK(parse_neighbour_packet(make_question(v6, ours, v6_other, to).bytes()) ==
                  NeighbourPacket{Kind::question, v6, v6_other, ours});
        }
    }

    TEST_CASE("a frame that is cut anywhere is none") {
        for (const char* ip : {"10.0.0.100", "fd00::100"}) {
            const Frame frame = make_announcement(*parse_ip(ip), ours, false);
            for (std::size_t size = 0; size < frame.size; ++size)
                CHECK_FALSE(parse_neighbour_packet(frame.bytes().first(size)));
        }
    }

    TEST_CASE("padding behind it does no harm") {
        for (const char* ip : {"10.0.0.100", "fd00::100"}) {
            auto bytes = copy(make_announcement(*parse_ip(ip), ours, false));
            bytes.resize(bytes.size() + 18, std::byte{0xaa});
            CHECK(parse_neighbour_packet(bytes));
        }
    }

    TEST_CASE("a packet that a router has passed on, or with a wrong sum, is refused") {
        const auto good = copy(make_announcement(*parse_ip("fd00::100"), ours, false));
        constexpr std::size_t hop_limit = 21, sum = 56, option_length = 79;
        for (const std::size_t at : {hop_limit, sum, option_length}) {
            auto bad = good;
            bad[at] ^= std::byte{1};
            CHECK_FALSE(parse_neighbour_packet(bad));
        }
        auto other_hardware = copy(make_announcement(*parse_ip("10.0.0.100"), ours, false));
        other_hardware[15] = std::byte{6};
        CHECK_FALSE(parse_neighbour_packet(other_hardware));
    }
}
