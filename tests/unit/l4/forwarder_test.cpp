// Rows: a packet in, a packet and a verdict out.
#include "l4/forwarder.hpp"

#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

TEST_CASE("l4 forwarder: dr changes the link-layer addresses and nothing else") {
    for (const bool v6 : {false, true}) {
        World world({.mode = config::Mode::dr, .v6 = v6, .server_port = 0});
        const Bytes before = make_packet(world.made());
        world.sent(world.made());
        CHECK(std::equal(world.last.begin(), world.last.begin() + 6, server_mac.begin()));
        CHECK(std::equal(world.last.begin() + 6, world.last.begin() + 12, our_mac.begin()));
        CHECK(std::equal(world.last.begin() + 12, world.last.end(), before.begin() + 12));
        CHECK(world.out_link == 1);
        CHECK(world.counters->packets_in.value() == 1);
    }
}

TEST_CASE("l4 forwarder: nat translates both ways, and the client sees one address") {
    for (const bool v6 : {false, true}) {
        for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
            World world({.v6 = v6});
            Made request = world.made();
            request.protocol = protocol;
            request.payload = 33;
            const PacketView out = world.sent(request);
            CHECK(out.source == ip(world.client()));
            CHECK(out.source_port == 40'000);
            CHECK(out.destination_port == 8'080);
            CHECK(out.hops == 63);
            const PacketView back =
                world.sent(world.from_server(out, tcp_syn | tcp_ack, protocol), 1);
            CHECK(back.source == ip(world.vip()));
            CHECK(back.source_port == 80);
            CHECK(back.destination_port == 40'000);
            CHECK(world.out_link == 0);
            CHECK(std::equal(world.last.begin(), world.last.begin() + 6, client_mac.begin()));
            CHECK(world.counters->packets_out.value() == 1);
            CHECK(world.forwarder.flows().size() == 1);
        }
    }
}

TEST_CASE("l4 forwarder: a packet left to the hardware keeps a partial sum") {
    World world({});
    world.offload.partial_checksum = true;
    Made request = world.made();
    request.partial = true;
    Bytes frame = make_packet(request);
    CHECK(world.pass(frame).action == Action::send);
    const auto view = read_frame(frame);
    CHECK(load16(&frame[view->transport + 16U]) ==
          fold(pseudo_header_sum(*view, view->end - view->transport)));
}

TEST_CASE("l4 forwarder: packets of no service are none of ours") {
    World world({});
    for (const std::string_view to : {"10.0.0.101", "10.0.0.100"}) {
        Made other = world.made();
        other.to = to;
        other.to_port = 81;
        Bytes frame = make_packet(other);
        CHECK(world.pass(frame).action == Action::ignore);
    }
    CHECK(world.forwarder.flows().size() == 0);
}

TEST_CASE("l4 forwarder: a flow stays on its server, the next one is scheduled") {
    World world({});
    const PacketView first = world.establish();
    for (int i = 0; i < 5; ++i)
        CHECK(world.sent(world.made(tcp_ack)).destination == first.destination);
    Made second = world.made();
    second.from_port = 40'001;
    CHECK(world.sent(second).destination != first.destination);
    CHECK(world.pool->servers()[0]->connections() == 1);
    CHECK(world.pool->servers()[1]->connections() == 1);
    CHECK(world.counters->flows.value() == 2);
}

TEST_CASE(
    "l4 forwarder: a range of ports is one service, whose ports reach the server as dialled") {
    World world({.server_port = 0, .last_port = 90});
    Made request = world.made();
    request.to_port = 85;
    const PacketView out = world.sent(request);
    CHECK(out.destination_port == 85);
    CHECK(world.sent(world.from_server(out, tcp_syn | tcp_ack), 1).source_port == 85);
}

TEST_CASE("l4 forwarder: life of a TCP flow: opening, established, closing") {
    World world({});
    world.sent(world.made());
    world.wait(33s);
    CHECK(world.forwarder.flows().size() == 0);  // no handshake
    world.establish();
    world.wait(890s);
    CHECK(world.forwarder.flows().size() == 1);
    world.sent(world.made(tcp_fin | tcp_ack));
    world.wait(123s);
    CHECK(world.forwarder.flows().size() == 0);
    CHECK(world.counters->flows.value() == 0);
    CHECK(world.pool->servers()[0]->connections() == 0);
    CHECK(world.pool->servers()[1]->connections() == 0);
}

TEST_CASE("l4 forwarder: ACKs from nowhere make no flow that cannot be evicted") {
    World world({});
    for (int i = 0; i < 3; ++i)
        world.sent(world.made(tcp_ack));
    CHECK(world.forwarder.flows().half_open() == 1);
}

TEST_CASE("l4 forwarder: a flow in mid-stream is adopted, by both nodes for the same server") {
    World one({});
    World two({});
    two.sent(two.made());  // its round robin stands elsewhere
    for (std::uint16_t port = 1'000; port < 1'030; ++port) {
        Made middle = one.made(tcp_ack);
        middle.from_port = port;
        CHECK(one.sent(middle).destination == two.sent(middle).destination);
    }
    CHECK(one.counters->adopted.value() == 30);
    World strict({.layer4 = {.adopt = false}});
    CHECK(strict.dropped(strict.made(tcp_ack)) == Drop::no_flow);
}

TEST_CASE("l4 forwarder: the clients of a halted server are reset, and may come again") {
    World world({});
    const PacketView out = world.establish();
    world.server(out).set_admin(pool::AdminState::halt);
    world.forwarder.servers_lost();
    world.wait(0s);
    REQUIRE(world.forwarder.answers().size() == 1);
    const Answer& answer = world.forwarder.answers()[0];
    const Bytes frame(answer.frame().begin(), answer.frame().end());
    REQUIRE(checksums_hold(frame));
    const PacketView reset = *read_frame(frame);
    CHECK(reset.source == ip(world.vip()));
    CHECK(reset.source_port == 80);
    CHECK(reset.destination_port == 40'000);
    CHECK(reset.tcp_flags == tcp_rst);
    CHECK(load_be32(&frame[reset.transport + 4U]) == 12'345);
    CHECK(answer.link == 0);
    CHECK(world.forwarder.flows().size() == 0);
    world.forwarder.clear_answers();
    CHECK(world.sent(world.made()).destination != out.destination);
}

TEST_CASE("l4 forwarder: a packet for a halted server is reset at once") {
    World world({});
    const PacketView out = world.establish();
    world.server(out).set_admin(pool::AdminState::halt);
    Made data = world.made(tcp_ack);
    data.ack = 777;
    CHECK(world.dropped(data) == Drop::server_gone);
    REQUIRE(world.forwarder.answers().size() == 1);
    CHECK(load_be32(&world.forwarder.answers()[0].data[38]) == 777);
}

TEST_CASE("l4 forwarder: a draining server keeps its flows and gets no new ones") {
    World world({});
    const PacketView out = world.establish();
    world.server(out).set_admin(pool::AdminState::drain);
    CHECK(world.sent(world.made(tcp_ack)).destination == out.destination);
    for (std::uint16_t port = 1'000; port < 1'010; ++port) {
        Made other = world.made();
        other.from_port = port;
        CHECK(world.sent(other).destination != out.destination);
    }
}

TEST_CASE("l4 forwarder: datagrams of a server that is gone go to another") {
    World world({});
    Made datagram = world.made();
    datagram.protocol = protocol_udp;
    const PacketView out = world.sent(datagram);
    world.server(out).set_health(pool::Health::down, "test");
    CHECK(world.sent(datagram).destination != out.destination);
    CHECK(world.forwarder.flows().size() == 1);
}

TEST_CASE("l4 forwarder: no server, no neighbour, no hop, no room") {
    World world({.flows_max = 1});
    for (const auto& server : world.pool->servers())
        server->set_admin(pool::AdminState::halt);
    CHECK(world.dropped(world.made()) == Drop::no_server);
    for (const auto& server : world.pool->servers())
        server->set_admin(pool::AdminState::online);
    Made dying = world.made();
    dying.hops = 1;
    CHECK(world.dropped(dying) == Drop::hops_exceeded);
    world.establish();
    Made second = world.made();
    second.from_port = 1;
    CHECK(world.dropped(second) == Drop::flows_full);
    world.forwarder.set_hops({});
    CHECK(world.dropped(world.made(tcp_ack)) == Drop::no_neighbour);
    CHECK(world.drops(Drop::no_neighbour) == 1);
}

TEST_CASE("l4 forwarder: one-packet datagrams are scheduled alone, their answers come back") {
    World world({.layer4 = {.one_packet = true}});
    Made datagram = world.made();
    datagram.protocol = protocol_udp;
    std::set<Ip> seen;
    for (int i = 0; i < 4; ++i) {
        const PacketView out = world.sent(datagram);
        seen.insert(out.destination);
        CHECK(world.sent(world.from_server(out, 0, protocol_udp), 1).source == ip(world.vip()));
    }
    CHECK(seen.size() == 2);
    CHECK(world.forwarder.flows().size() == 2);
}

TEST_CASE("l4 forwarder: persistence brings a client back to its server") {
    World world({.persistent = true});
    const PacketView out = world.sent(world.made());
    for (std::uint16_t port = 1'000; port < 1'010; ++port) {
        Made other = world.made();
        other.from_port = port;
        CHECK(world.sent(other).destination == out.destination);
    }
    CHECK(world.counters->persistence_hits.value() == 10);
}

TEST_CASE("l4 forwarder: flows of a service that a reload has removed end") {
    World world({});
    world.establish();
    world.adopt(false);
    world.wait(0s);
    CHECK(world.forwarder.flows().size() == 0);
    CHECK(world.counters->flows.value() == 0);
    CHECK(world.pool->servers()[0]->connections() == 0);
    CHECK(world.forwarder.answers().size() == 1);
}

TEST_CASE("l4 forwarder: a refused connect counts against the server") {
    World world({});
    const PacketView out = world.sent(world.made());
    world.sent(world.from_server(out, tcp_rst | tcp_ack), 1);
    CHECK(world.server(out).failures() == 1);
    world.sent(world.made());  // anew, with the same port
    CHECK(world.forwarder.flows().size() == 1);
}
