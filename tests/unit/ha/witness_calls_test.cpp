// Questions to witnesses and their answers, over a cable of the kernel.
#include "ha/witness_calls.hpp"

#include "ha/netlink.hpp"
#include "ha/packet_socket.hpp"
#include "tests/unit/ha/own_network.hpp"

#include <algorithm>
#include <array>

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

const Time start{1h};
const Address other = *parse_ip("10.9.9.3"), server = *parse_ip("10.9.9.21"),
              beside_other = *parse_ip("10.9.9.22"), far_away = *parse_ip("192.168.1.1");
constexpr Mac machine_of_other{2, 0, 0, 0, 0, 3}, machine_of_server{2, 0, 0, 0, 0, 0x21};

// The other end of the cable.
struct FarEnd {
    FarEnd() : socket(*PacketSocket::open(PacketSocket::Family::arp, interface_index("far"))) {}

    // The addresses that are asked for until `count` questions have come.
    std::vector<Address> asked(std::size_t count) const {
        std::vector<Address> all;
        std::array<std::byte, 256> room{};
        CHECK(soon([&] {
            const auto packet = parse_neighbour_packet(socket.receive(room));
            if (packet && packet->kind == NeighbourPacket::Kind::question)
                all.push_back(packet->target);
            return all.size() >= count;
        }));
        return all;
    }
    bool says(WitnessCalls& calls, const Address& ip, const Mac& mac) const {
        bool counted = false;
        REQUIRE(socket.send(make_announcement(ip, mac, true)));
        // What comes behind it on the cable has come after it.
        REQUIRE(socket.send(make_announcement(ip, mac, true)));
        for (int i = 0; i < 2000 && !counted; ++i)
            counted = calls.heard(start + 1ms);
        return counted;
    }

    PacketSocket socket;
};

}  // namespace

TEST_SUITE("ha/witness_calls") {
    TEST_CASE("servers of the segment vote, the other node's machine does not") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        WitnessCalls calls(
            {{.address = *parse_ip("10.9.9.100"), .prefix_length = 24, .interface = "near"}},
            {*parse_address("10.9.9.3:9694")});
        calls.set_servers({server, beside_other, far_away});
        const FarEnd far_end;

        CHECK_FALSE(calls.heard(start));
        calls.ask(start);
        std::vector<Address> asked = far_end.asked(3);
        std::ranges::sort(asked, {}, &Address::ip);
        CHECK(asked == std::vector<Address>{other, server, beside_other});

        CHECK_FALSE(far_end.says(calls, other, machine_of_other));
        CHECK_FALSE(far_end.says(calls, beside_other, machine_of_other));
        CHECK_FALSE(far_end.says(calls, far_away, machine_of_server));
        CHECK(far_end.says(calls, server, machine_of_server));
        CHECK(calls.status(start + 2ms) == std::vector<WitnessStatus>{{"10.9.9.21", true}});
        CHECK(calls.status(start + 1min) == std::vector<WitnessStatus>{{"10.9.9.21", false}});
    }

    TEST_CASE("a floating address is no witness, and an interface that is missing has none") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        WitnessCalls calls(
            {{.address = *parse_ip("10.9.9.100"), .prefix_length = 24, .interface = "near"},
             {.address = *parse_ip("10.9.8.100"), .prefix_length = 24, .interface = "none"}},
            {});
        calls.set_servers({*parse_ip("10.9.9.100"), *parse_ip("10.9.8.21")});

        CHECK_FALSE(calls.heard(start));
        CHECK(calls.status(start).empty());
    }
}
