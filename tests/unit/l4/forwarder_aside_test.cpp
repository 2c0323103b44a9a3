// Clients in the servers' own network, and pairs of ports.
#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

// A machine beside the servers, or one of them.
Made neighbour_of(const World& world, std::uint8_t flags = tcp_syn) {
    Made made = world.made(flags);
    made.from = world.setting.v6 ? "fd00::77" : "10.1.0.77";
    return made;
}

Made answer_to(World& world, const PacketView& out, std::uint8_t flags, std::uint8_t protocol) {
    Made made = world.from_server(out, flags, protocol);
    made.to = world.vip();
    made.to_port = out.source_port;
    return made;
}

}  // namespace

TEST_CASE("l4 forwarder aside: a neighbour of the servers is answered through us") {
    for (const bool v6 : {false, true}) {
        for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
            World world({.v6 = v6});
            world.put_servers_on_link();
            Made request = neighbour_of(world);
            request.protocol = protocol;
            request.payload = 20;
            const PacketView out = world.sent(request, 1);
            CHECK(out.source == ip(world.vip()));
            CHECK(out.source_port >= alias_port_first);
            CHECK(out.destination_port == 8'080);
            CHECK(world.out_link == 1);

            const Made answer = answer_to(world, out, tcp_syn | tcp_ack, protocol);
            const PacketView back = world.sent(answer, 1);
            CHECK(back.source == ip(world.vip()));
            CHECK(back.source_port == 80);
            CHECK(back.destination == ip(request.from));
            CHECK(back.destination_port == 40'000);
            CHECK(world.counters->flows.value() == 1);

            request.flags = tcp_ack;
            CHECK(world.sent(request, 1).source_port == out.source_port);
        }
    }
}

TEST_CASE("l4 forwarder aside: a client from elsewhere keeps his address") {
    World world({});
    world.put_servers_on_link();
    CHECK(world.sent(world.made()).source == ip(world.client()));
    World dr({.mode = config::Mode::dr, .server_port = 0});
    dr.put_servers_on_link();
    CHECK(dr.sent(neighbour_of(dr), 1).source == ip("10.1.0.77"));
}

TEST_CASE("l4 forwarder aside: each client has a port of its own, and it ends with the flow") {
    World world({.flows_max = 5'000});
    world.put_servers_on_link();
    std::set<std::pair<Ip, std::uint16_t>> seen;
    for (std::uint16_t port = 1; port <= 2'000; ++port) {
        Made request = neighbour_of(world);
        request.from_port = port;
        const PacketView out = world.sent(request, 1);
        seen.insert({out.destination, out.source_port});
    }
    CHECK(seen.size() == 2'000);
    CHECK(world.forwarder.flows().size() == 4'000);
    world.wait(40s);
    CHECK(world.forwarder.flows().size() == 0);
    CHECK(world.counters->flows.value() == 0);
    for (const auto& server : world.pool->servers())
        CHECK(server->connections() == 0);
}

TEST_CASE("l4 forwarder aside: the alias lives as long as the client speaks") {
    World world({});
    world.put_servers_on_link();
    const PacketView out = world.sent(neighbour_of(world), 1);
    world.sent(answer_to(world, out, tcp_syn | tcp_ack, protocol_tcp), 1);
    for (int i = 0; i < 4; ++i) {
        world.sent(neighbour_of(world, tcp_ack), 1);
        world.wait(800s);
    }
    CHECK(world.sent(answer_to(world, out, tcp_ack, protocol_tcp), 1).destination ==
          ip("10.1.0.77"));
    // A halted server's flow takes its alias with it.
    world.server(out).set_admin(pool::AdminState::halt);
    world.dropped(neighbour_of(world, tcp_ack), 1);
    CHECK(world.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder aside: no flow is evicted by its own alias") {
    World world({.flows_max = 1});
    world.put_servers_on_link();
    CHECK(world.dropped(neighbour_of(world), 1) == Drop::no_port);
    CHECK(world.counters->flows.value() == 0);
    CHECK(world.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder aside: an ICMP error about an answer names whom its reader knows") {
    World world({});
    world.put_servers_on_link();
    const PacketView out = world.sent(neighbour_of(world), 1);
    const Bytes to_server = world.last;
    // The server tells that it does not listen: to the client, as from the service.
    const Made words = answer_to(world, out, 0, protocol_tcp);
    Bytes error = make_icmp_error(words.from, world.vip(), to_server, 28, 3);
    REQUIRE(world.pass(error, 1).action == Action::send);
    REQUIRE(checksums_hold(error));
    const auto told = read_frame(error);
    CHECK(told->destination == ip("10.1.0.77"));
    const auto inner = read_ip(error, told->inner, false);
    REQUIRE(inner);
    CHECK(inner->source == ip("10.1.0.77"));
    CHECK(inner->source_port == 40'000);
    CHECK(inner->destination == ip(world.vip()));
    CHECK(inner->destination_port == 80);
}

TEST_CASE("l4 forwarder aside: an even port and the odd one after it have the same server") {
    World world({.layer4 = {.rtp_pairs = true}, .server_port = 0, .last_port = 119});
    std::set<Ip> servers;
    for (std::uint16_t port = 80; port < 120; port += 2) {
        Made rtp = world.made();
        rtp.protocol = protocol_udp;
        rtp.to_port = port;
        const PacketView media = world.sent(rtp);
        Made rtcp = rtp;
        rtcp.to_port = static_cast<std::uint16_t>(port + 1);
        rtcp.from_port = 50'001;  // behind somebody's NAT
        CHECK(world.sent(rtcp).destination == media.destination);
        servers.insert(media.destination);
    }
    CHECK(servers.size() == 2);
    CHECK(world.counters->flows.value() == 40);
    world.wait(400s);
    CHECK(world.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder aside: a pair whose server is gone gets another, both of it") {
    World world({.layer4 = {.rtp_pairs = true}, .server_port = 0, .last_port = 119});
    Made rtp = world.made();
    rtp.protocol = protocol_udp;
    Made rtcp = rtp;
    rtcp.to_port = 81;
    const PacketView first = world.sent(rtp);
    world.sent(rtcp);
    world.server(first).set_health(pool::Health::down, "test");
    const PacketView second = world.sent(rtcp);
    CHECK(second.destination != first.destination);
    CHECK(world.sent(rtp).destination == second.destination);
}
