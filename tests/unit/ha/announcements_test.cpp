#include "ha/announcements.hpp"

#include "ha/recent_neighbours.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;
using Kind = NeighbourPacket::Kind;

namespace {

constexpr Mac ours{0x02, 0, 0, 0, 0, 1};
constexpr Mac theirs{0x02, 0, 0, 0, 0, 2};
const Address v4 = *parse_ip("10.0.0.100"), v6 = *parse_ip("fd00::100");
const Address gateway = *parse_ip("10.0.0.1"), gateway_v6 = *parse_ip("fd00::1");
const Announcements::Clock::time_point start{1h};

NeighbourPacket answer(const Address& from, const Address& to) {
    return {Kind::answer, from, to, theirs};
}

struct Sent {
    std::size_t announcements = 0, questions = 0, broadcasts = 0;
};

Sent count(const std::vector<Frame>& frames) {
    Sent sent;
    for (const Frame& frame : frames) {
        const auto packet = parse_neighbour_packet(frame.bytes());
        REQUIRE(packet);
        const bool announces = packet->sender == packet->target || packet->kind == Kind::answer;
        announces ? ++sent.announcements : ++sent.questions;
        if (!announces && frame.storage[0] == std::byte{0xff}) ++sent.broadcasts;
    }
    return sent;
}

Announcements made() {
    Announcements announcements(ours);
    announcements.set_addresses({v4, v6});
    const std::array neighbours{Neighbour{gateway, theirs}, Neighbour{gateway_v6, theirs}};
    announcements.set_neighbours(neighbours);
    return announcements;
}

}  // namespace

TEST_SUITE("ha/announcements") {
    TEST_CASE("a standby is silent") {
        Announcements announcements = made();

        CHECK(announcements.due(start).empty());
        CHECK_FALSE(announcements.next());
        CHECK_FALSE(announcements.heard(answer(v4, gateway), start));
    }

    TEST_CASE("all are told at once, and each neighbour is asked") {
        Announcements announcements = made();
        announcements.begin(start);

        const Sent sent = count(announcements.due(start));
        CHECK(sent.announcements == 3);  // ARP request and reply, neighbour advertisement
        CHECK(sent.questions == 2);      // of the same family only
        CHECK(sent.broadcasts == 0);
        CHECK(announcements.next() == start + 10ms);
        CHECK(announcements.due(start + 9ms).empty());
    }

    TEST_CASE("who does not answer is asked again until the round's end") {
        Announcements announcements = made();
        announcements.begin(start);
        announcements.due(start);

        std::size_t questions = 0, broadcasts = 0;
        for (auto at = start + 1ms; at < start + 29s; at += 1ms) {
            const Sent sent = count(announcements.due(at));
            questions += sent.questions;
            broadcasts += sent.broadcasts;
        }
        CHECK(questions == 2 * 6);
        CHECK(broadcasts == 4);  // the last four of IPv4; IPv6 asks its group
        CHECK(announcements.unconfirmed() ==
              std::vector<Unconfirmed>{{v4, gateway}, {v6, gateway_v6}});
        CHECK(announcements.next() == start + 30s);
        CHECK(count(announcements.due(start + 30s)).announcements == 3);
    }

    TEST_CASE("who has answered is left in peace until the next round") {
        Announcements announcements = made();
        announcements.begin(start);
        announcements.due(start);

        announcements.heard(answer(gateway, v4), start + 1ms);
        CHECK(announcements.unconfirmed() == std::vector<Unconfirmed>{{v6, gateway_v6}});
        announcements.heard(answer(gateway_v6, v6), start + 2ms);
        CHECK(announcements.unconfirmed().empty());
        CHECK(count(announcements.due(start + 10ms)).questions == 0);

        CHECK(count(announcements.due(start + 30s)).questions == 2);
    }

    TEST_CASE("an answer to another, or to a question, confirms nothing") {
        Announcements announcements = made();
        announcements.begin(start);

        announcements.heard(answer(gateway, *parse_ip("10.0.0.2")), start);
        announcements.heard({Kind::question, gateway, v4, theirs}, start);
        CHECK(announcements.unconfirmed().size() == 2);
    }

    TEST_CASE("another host on the address is told once, and answered at a limited rate") {
        Announcements announcements = made();
        announcements.begin(start);
        announcements.due(start);
        const NeighbourPacket claim{Kind::answer, v4, gateway, theirs};

        CHECK(announcements.heard(claim, start + 1ms));
        CHECK_FALSE(announcements.heard(claim, start + 2ms));
        CHECK(announcements.conflicts() == std::vector<Conflict>{{v4, theirs, 2, start + 2ms}});
        CHECK(count(announcements.due(start + 3ms)).announcements == 1);

        announcements.heard(claim, start + 6s);
        CHECK(count(announcements.due(start + 7s)).announcements == 3);  // the round's own
        announcements.heard(claim, start + 8s);
        CHECK(announcements.due(start + 8s).empty());
        announcements.heard(claim, start + 11s);
        CHECK(count(announcements.due(start + 11s)).announcements == 1);
    }

    TEST_CASE("our own frames that come back are no other host's") {
        Announcements announcements = made();
        announcements.begin(start);

        for (const Frame& frame : announcements.due(start))
            CHECK_FALSE(announcements.heard(*parse_neighbour_packet(frame.bytes()), start));
        CHECK(announcements.conflicts().empty());
    }

    TEST_CASE("an ARP probe is no claim, duplicate address detection is one") {
        Announcements announcements = made();
        announcements.begin(start);
        const Address nobody_v4 = *parse_ip("0.0.0.0"), nobody_v6 = *parse_ip("::");

        CHECK_FALSE(announcements.heard({Kind::question, nobody_v4, v4, theirs}, start));
        CHECK(announcements.heard({Kind::question, nobody_v6, v6, theirs}, start));
    }

    TEST_CASE("a call sends no more than its limit, the next one the rest") {
        Announcements announcements(ours);
        std::vector<Address> addresses;
        for (int i = 0; i < 100; ++i)
            addresses.push_back(*parse_ip("10.0.1." + std::to_string(i + 1)));
        std::vector<Neighbour> neighbours;
        for (int i = 0; i < 10; ++i)
            neighbours.push_back({*parse_ip("10.0.2." + std::to_string(i + 1)), theirs});
        announcements.set_addresses(addresses);
        announcements.set_neighbours(neighbours);
        announcements.begin(start);

        std::size_t frames = announcements.due(start).size();
        CHECK(frames == frames_a_call_max);
        while (const std::size_t more = announcements.due(start).size())
            frames += more;
        CHECK(frames == 100 * 2 + 100 * 10);
    }

    TEST_CASE("who has asked for an address is remembered, the longest silent not for ever") {
        RecentNeighbours recent;
        const std::array addresses{v4};

        recent.heard({Kind::question, gateway, *parse_ip("10.0.0.7"), theirs}, addresses, start);
        recent.heard({Kind::question, v4, v4, theirs}, addresses, start);
        recent.heard({Kind::question, *parse_ip("0.0.0.0"), v4, theirs}, addresses, start);
        CHECK(recent.all().empty());

        for (std::size_t i = 0; i <= neighbours_max; ++i) {
            Address client = *parse_ip("10.1.0.0");
            client.ip[14] = static_cast<std::uint8_t>(i >> 8);
            client.ip[15] = static_cast<std::uint8_t>(i);
            recent.heard({Kind::question, client, v4, theirs}, addresses, start + i * 1ms);
        }
        const auto all = recent.all();
        CHECK(all.size() == neighbours_max);
        CHECK(std::ranges::find(all, *parse_ip("10.1.0.0"), &Neighbour::ip) == all.end());
        CHECK(std::ranges::find(all, *parse_ip("10.1.1.0"), &Neighbour::ip) != all.end());
    }
}
