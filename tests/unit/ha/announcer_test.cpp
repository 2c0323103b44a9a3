#include "ha/announcer.hpp"

#include "ha/netlink.hpp"
#include "ha/packet_socket.hpp"
#include "tests/unit/ha/own_network.hpp"

#include <algorithm>
#include <poll.h>

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;
using Family = PacketSocket::Family;
using Kind = NeighbourPacket::Kind;

namespace {

const auto start = Announcer::Clock::now();
constexpr Mac far{0x02, 0, 0, 0, 0, 7};
const Address v4 = *parse_ip("10.9.9.100"), v6 = *parse_ip("fd09::100");
const Address client = *parse_ip("10.9.9.7");

std::vector<config::FloatingAddress> both() {
    return {{.address = v4, .prefix_length = 24, .interface = "near"},
            {.address = v6, .prefix_length = 64, .interface = "near"}};
}

// The other end of the cable.
class FarEnd {
public:
    FarEnd() {
        for (const Family family : {Family::arp, Family::ipv6})
            sockets_.push_back(*PacketSocket::open(family, interface_index("far")));
    }

    /// Takes all that has come, with what a kernel adds by itself.
    std::vector<NeighbourPacket> heard() {
        std::vector<NeighbourPacket> all;
        std::array<std::byte, 200> room{};
        for (const PacketSocket& socket : sockets_)
            for (auto frame = socket.receive(room); !frame.empty(); frame = socket.receive(room))
                if (const auto packet = parse_neighbour_packet(frame)) all.push_back(*packet);
        return all;
    }

    /// The far host asks for `target`, or claims to be `sender`.
    void ask(const Address& sender, const Address& target) const {
        CHECK(sockets_[0].send(make_question(sender, far, target, broadcast_mac)));
    }
    /// It confirms that it knows where `to` is.
    void answer(const Address& to) const {
        Frame frame = make_question(client, far, to, broadcast_mac);
        frame.storage[21] = std::byte{2};  // the operation: a reply
        CHECK(sockets_[0].send(frame));
    }

private:
    std::vector<PacketSocket> sockets_;
};

// The kernel hands packets over a cable when it has time to.
bool wait_for_packets(const Announcer& announcer) {
    std::vector<pollfd> watched;
    for (const int fd : announcer.descriptors())
        watched.push_back({fd, POLLIN, 0});
    return ::poll(watched.data(), watched.size(), 20'000) > 0;
}

bool contains(const std::vector<NeighbourPacket>& all, const NeighbourPacket& packet) {
    return std::ranges::find(all, packet) != all.end();
}

}  // namespace

TEST_SUITE("ha/announcer") {
    TEST_CASE("a standby learns who asks, tells him on the takeover, and hears him confirm") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        const Mac own = *interface_mac("near");
        Announcer announcer(both());
        CHECK(announcer.tick(start).empty());
        CHECK(announcer.descriptors().size() == 2);
        FarEnd far_end;

        far_end.ask(client, v4);
        REQUIRE(wait_for_packets(announcer));
        announcer.tick(start);
        CHECK(announcer.frames_sent() == 0);
        far_end.heard();

        announcer.begin(start);
        std::vector<NeighbourPacket> heard;
        const auto has_heard = [&](const NeighbourPacket& packet) {
            return soon([&] {
                std::ranges::copy(far_end.heard(), std::back_inserter(heard));
                return contains(heard, packet);
            });
        };
        CHECK(has_heard({Kind::question, v4, v4, own}));
        CHECK(has_heard({Kind::answer, v4, v4, own}));
        CHECK(has_heard({Kind::answer, v6, *parse_ip("ff02::1"), own}));
        CHECK(has_heard({Kind::question, v4, client, own}));
        CHECK(announcer.unconfirmed() == std::vector<Unconfirmed>{{v4, client}});

        far_end.answer(v4);
        CHECK(soon([&] {
            announcer.tick(start);
            return announcer.unconfirmed().empty();
        }));

        announcer.end();
        const auto sent = announcer.frames_sent();
        announcer.tick(start + 1h);
        CHECK(announcer.frames_sent() == sent);
    }

    TEST_CASE("another host on the address is told, with where it is") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        Announcer announcer(both());
        announcer.begin(start);
        const FarEnd far_end;

        far_end.ask(v4, client);
        std::vector<std::string> lines;
        CHECK(soon([&] { return !(lines = announcer.tick(start)).empty(); }));
        REQUIRE(lines.size() == 1);
        CHECK(lines[0] ==
              "another host on near, 02:00:00:00:00:07, claims the floating address 10.9.9.100");
        CHECK(announcer.conflicts() == std::vector<Conflict>{{v4, far, 1, start}});
    }

    TEST_CASE("real servers of the network are told, others are not asked for") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        Announcer announcer(both());
        announcer.set_neighbours({*parse_ip("10.9.9.21"), *parse_ip("192.168.1.1")});
        announcer.begin(start);

        CHECK(announcer.unconfirmed() == std::vector<Unconfirmed>{{v4, *parse_ip("10.9.9.21")}});
    }

    TEST_CASE("an interface that is missing is told once, and found when it is there") {
        const OwnNetwork network;
        if (!network) return;
        Announcer announcer(both());
        announcer.begin(start);

        const auto lines = announcer.tick(start);
        REQUIRE(lines.size() == 1);
        CHECK(lines[0] == "interface near cannot announce floating addresses: it does not exist");
        CHECK(announcer.tick(start + 1s).empty());

        if (!OwnNetwork::add_cable("near", "far")) return;
        CHECK(announcer.tick(start + 10s).empty());
        CHECK(announcer.frames_sent() > 0);
    }
}
