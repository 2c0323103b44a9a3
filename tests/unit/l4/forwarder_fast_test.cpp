// The forwarder beside a fast path: which flows go by it, by what way, and when they come back.
#include "l4/forwarder.hpp"
#include "tests/unit/l4/fast_path_fake.hpp"
#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

#include <bit>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

struct FastWorld {
    explicit FastWorld(Setting setting = {}) : world(with(setting, &path)) {}

    static Setting with(Setting setting, FastPath* path) {
        setting.fast = path;
        return setting;
    }

    // A connection with as many packets as it takes.
    void begin() {
        to_server = world.establish();
        talk(Forwarder::fast_from_packets);
    }
    void talk(unsigned packets) {
        for (unsigned i = 0; i < packets; ++i) {
            Made data = world.made(tcp_ack);
            data.ack = ack;
            world.sent(data);
        }
    }
    // As many look_around() as a second has.
    void wait(std::chrono::milliseconds time) {
        for (const auto end = world.now + time; world.now < end;) {
            world.now += 100ms;
            world.forwarder.advance(world.now);
        }
    }
    std::size_t fast() const { return world.forwarder.fast_flows(); }

    FakeFastPath path;
    World world;
    PacketView to_server;
    std::uint32_t ack = 12'345;
};

Mac mac_of(const __u8* at) {
    Mac mac;
    std::copy_n(at, mac.size(), mac.begin());
    return mac;
}

}  // namespace

TEST_CASE("l4 fast path: a flow goes by it once it has shown that it is worth the way") {
    FastWorld one;
    one.world.establish();
    one.talk(Forwarder::fast_from_packets - 3);  // the handshake counts
    CHECK(one.path.size() == 0);
    one.talk(1);
    CHECK(one.path.size() == 2);
    CHECK(one.fast() == 1);
}

TEST_CASE("l4 fast path: the ways of nat say what the forwarder does") {
    for (const bool v6 : {false, true}) {
        FastWorld one({.v6 = v6});
        one.begin();
        const poise_fast_way* const in = one.path.to_server();
        const poise_fast_way* const out = one.path.to_client();
        REQUIRE(in != nullptr);
        REQUIRE(out != nullptr);
        CHECK(in->flags == (POISE_FAST_TO_SERVER | POISE_FAST_NAT));
        CHECK(in->interface == 2);
        CHECK(in->from_interface == 1);
        CHECK(mac_of(in->from_mac) == client_mac);
        CHECK(mac_of(in->macs) == server_mac);
        CHECK(mac_of(in->macs + 6) == our_mac);
        CHECK(in->port == std::byteswap(std::uint16_t{8'080}));
        CHECK(std::ranges::equal(in->address, one.to_server.destination));
        CHECK(in->mtu == 1'500);
        CHECK(out->flags == POISE_FAST_NAT);
        CHECK(out->interface == 1);
        CHECK(mac_of(out->macs) == client_mac);
        CHECK(out->port == std::byteswap(std::uint16_t{80}));
        CHECK(std::ranges::equal(out->address, ip(one.world.vip())));
    }
}

TEST_CASE("l4 fast path: mode dr has one way, and changes no address") {
    FastWorld one({.mode = config::Mode::dr, .server_port = 0});
    one.begin();
    CHECK(one.path.size() == 1);
    REQUIRE(one.path.to_server() != nullptr);
    CHECK(one.path.to_server()->flags == POISE_FAST_TO_SERVER);
    CHECK(mac_of(one.path.to_server()->macs) == server_mac);
}

TEST_CASE("l4 fast path: the end of a connection is the forwarder's") {
    for (const std::uint8_t end : {tcp_fin, tcp_rst}) {
        FastWorld from_client;
        from_client.begin();
        from_client.world.sent(from_client.world.made(end | tcp_ack));
        CHECK(from_client.path.size() == 0);
        from_client.talk(40);
        CHECK(from_client.path.size() == 0);

        FastWorld from_server;
        from_server.begin();
        from_server.world.sent(from_server.world.from_server(from_server.to_server, end | tcp_ack),
                               1);
        CHECK(from_server.path.size() == 0);
    }
}

TEST_CASE("l4 fast path: what passes there counts, and keeps the flow alive") {
    FastWorld one;
    one.begin();
    const std::uint64_t before = one.world.counters->packets_in.value();
    for (int minute = 0; minute < 60; ++minute) {
        one.path.to_server()->packets += 2;
        one.path.to_server()->bytes += 200;
        one.path.to_client()->packets += 1;
        one.path.to_client()->bytes += 50;
        one.wait(9s);
    }
    CHECK(one.world.counters->packets_in.value() == before + 120);
    CHECK(one.world.counters->bytes_out.value() == 60 * 50 + 40);  // and the handshake
    CHECK(one.world.forwarder.flows().size() == 1);
}

TEST_CASE("l4 fast path: a flow that rests leaves it, and expires as others do") {
    FastWorld one;
    one.begin();
    one.wait(11s);
    CHECK(one.fast() == 0);
    CHECK(one.path.size() == 0);
    CHECK(one.world.forwarder.flows().size() == 1);
    one.wait(one.world.setting.layer4.established);
    CHECK(one.world.forwarder.flows().size() == 0);
}

TEST_CASE("l4 fast path: a client who moves is followed") {
    FastWorld one;
    one.begin();
    Bytes frame = make_packet(one.world.made(tcp_ack));
    const Mac moved{2, 0, 0, 0, 0, 9};
    std::ranges::copy(moved, frame.begin() + 6);
    CHECK(one.world.pass(frame).action == Action::send);
    CHECK(one.path.size() == 0);
    for (unsigned i = 0; i < Forwarder::fast_from_packets + 1; ++i) {
        frame = make_packet(one.world.made(tcp_ack));
        std::ranges::copy(moved, frame.begin() + 6);
        one.world.pass(frame);
    }
    REQUIRE(one.path.to_server() != nullptr);
    CHECK(mac_of(one.path.to_server()->from_mac) == moved);
    CHECK(mac_of(one.path.to_client()->macs) == moved);
}

TEST_CASE("l4 fast path: a server who moves is followed with the next packet") {
    FastWorld one;
    one.begin();
    const Mac moved{2, 0, 0, 0, 0, 8};
    one.world.forwarder.set_hops({{true, 1, moved}, {true, 1, moved}});
    CHECK(one.path.valid().empty());
    one.talk(1);
    REQUIRE(one.path.to_server() != nullptr);
    CHECK(mac_of(one.path.to_server()->macs) == moved);
    CHECK(one.path.valid().size() == 2);
    // Nobody knows where he is: no way, and no flow by it.
    one.world.forwarder.set_hops({{}, {}});
    CHECK(one.world.dropped(one.world.made(tcp_ack)) == Drop::no_neighbour);
    CHECK(one.path.valid().empty());
}

TEST_CASE("l4 fast path: nothing goes on to a server that is lost, and its client is reset") {
    FastWorld one;
    one.begin();
    one.path.to_server()->acknowledged = 20'000;
    one.path.to_server()->packets = 9;
    one.world.server(one.to_server).set_admin(pool::AdminState::halt);
    one.world.forwarder.servers_lost();
    CHECK(one.path.valid().empty());
    one.world.forwarder.advance(one.world.now);
    CHECK(one.path.size() == 0);
    REQUIRE(one.world.forwarder.answers().size() == 1);
    const auto answer = one.world.forwarder.answers()[0].frame();
    const auto reset = read_frame(answer);
    REQUIRE(reset);
    CHECK((reset->tcp_flags & tcp_rst) != 0);
    // What the client awaits, as the program in the kernel has seen it last.
    CHECK(load_be32(answer.data() + reset->transport + 4) == 20'000);
}

TEST_CASE("l4 fast path: a reload sends flows to the forwarder once") {
    FastWorld one;
    one.begin();
    one.world.adopt(true);
    CHECK(one.path.valid().empty());
    one.talk(1);
    CHECK(one.path.valid().size() == 2);
    one.world.adopt(false);
    one.world.forwarder.advance(one.world.now);
    CHECK(one.path.size() == 0);
}

TEST_CASE("l4 fast path: a reload that changes the mode takes flows from it") {
    for (const auto& [before, after] : {std::pair{config::Mode::nat, config::Mode::dr},
                                        std::pair{config::Mode::dr, config::Mode::nat}}) {
        FastWorld one({.mode = before, .server_port = 80});
        one.begin();
        CHECK(one.fast() == 1);
        one.world.setting.mode = after;
        one.world.adopt(true);
        one.talk(1);
        CHECK(one.path.size() == 0);
        one.talk(Forwarder::fast_from_packets + 1);
        CHECK(one.path.size() == (after == config::Mode::nat ? 2 : 1));
    }
}

TEST_CASE("l4 fast path: without room a flow stays where it is, and asks again") {
    FastWorld one;
    one.path.puts_left = 0;
    one.begin();
    CHECK(one.fast() == 0);
    one.path.puts_left = 10;
    one.talk(1);
    CHECK(one.fast() == 0);
    one.talk(Forwarder::fast_from_packets);
    CHECK(one.fast() == 1);
}

TEST_CASE("l4 fast path: what must be seen one by one is not for it") {
    for (const bool one_packet : {false, true}) {
        config::Layer4 layer4;
        layer4.one_packet = one_packet;
        if (!one_packet) layer4.datagram = 2s;  // could end between two looks
        FastWorld one({.layer4 = layer4});
        Made request = one.world.made();
        request.protocol = protocol_udp;
        for (int i = 0; i < 40; ++i)
            one.world.sent(request);
        CHECK(one.path.size() == 0);
    }
}
