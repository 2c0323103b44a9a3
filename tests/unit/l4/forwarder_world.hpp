// A forwarder with one service over two servers, and what a test wants to say to it.
#pragma once

#include "l4/forwarder.hpp"
#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace poise::l4::test {

using namespace std::chrono_literals;

struct Setting {
    config::Mode mode = config::Mode::nat;
    bool v6 = false;
    config::Layer4 layer4{};
    config::Algorithm scheduler = config::Algorithm::rr;
    std::uint16_t server_port = 8'080;
    std::uint16_t last_port = 80;  // of the service, from 80 on
    std::size_t flows_max = 1'000;
    bool persistent = false;
    FastPath* fast = nullptr;
    ThreadNumber thread{};
};

// One service on port 80 of 10.0.0.100 over servers 10.1.0.1 and 10.1.0.2, for TCP and UDP.
struct World {
    explicit World(const Setting& given)
        : setting(given), forwarder(given.thread, given.flows_max, {1, 2}, given.fast) {
        config::Service configured;
        configured.name = "web";
        configured.scheduler = setting.scheduler;
        for (int i = 1; i <= 2; ++i) {
            config::Server made_server;
            made_server.name = fmt::format("s{}", i);
            made_server.host = fmt::format("{}{}", setting.v6 ? "fd00::" : "10.1.0.", i);
            made_server.port = setting.server_port;
            made_server.address = parse_ip(made_server.host);
            made_server.address->port = made_server.port;
            configured.servers.push_back(made_server);
        }
        pool = std::make_shared<const pool::Pool>(configured, nullptr);
        adopt(true);
        forwarder.set_links(
            {{1, our_mac, 1'500, link_name("eth0")}, {2, our_mac, 1'500, link_name("eth1")}});
        forwarder.set_hops({{true, 1, server_mac}, {true, 1, server_mac}});
        forwarder.advance(now);
    }

    void adopt(bool served) {
        auto services = std::make_shared<Services>();
        services->vips = {ip(vip())};
        for (std::uint16_t i = 0; i < 2; ++i) {
            const auto& one = pool->servers()[i];
            services->servers.push_back({one, one->address()->ip, setting.server_port,
                                         served ? std::uint16_t{0} : ServerEntry::gone});
        }
        if (served) add_service(*services);
        adopted = services;
        forwarder.adopt(std::move(services));
    }
    const Services& services() const { return *adopted; }

    void add_service(Services& services) {
        auto service = std::make_shared<Service>();
        service->name = "web";
        service->mode = setting.mode;
        service->scheduler = setting.scheduler;
        service->layer4 = setting.layer4;
        service->pool = pool;
        service->servers = {0, 1};
        service->server_ids = {11, 12};
        service->counters.resize(setting.thread.of);
        service->counters[setting.thread.number] = counters;
        if (setting.persistent) {
            service->table = table;
            service->keys.emplace("web", HashKey{3, 4});
        }
        std::vector<PortRange> by_destination;
        std::vector<PortRange> by_server;
        for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
            by_destination.push_back({ip(vip()), protocol, 80, setting.last_port, 0, 0});
            if (setting.mode != config::Mode::nat) continue;
            const std::uint16_t port = setting.server_port;
            for (const auto& one : pool->servers()) {
                by_server.push_back({one->address()->ip, protocol,
                                     port != 0 ? port : std::uint16_t{80},
                                     port != 0 ? port : setting.last_port, 0, 0});
            }
        }
        services.by_destination = PortTable(by_destination);
        services.by_server = PortTable(by_server);
        services.services = {service};
    }

    std::string_view vip() const { return setting.v6 ? "2001:db8::100" : "10.0.0.100"; }
    std::string_view client() const { return setting.v6 ? "2001:db8:9::1" : "192.0.2.1"; }
    Made made(std::uint8_t flags = tcp_syn) const {
        return {.from = client(), .to = vip(), .flags = flags};
    }

    Verdict pass(Bytes& frame, std::uint16_t link = 0) {
        Input input{frame, offload, link};
        return forwarder.handle(input, now);
    }
    /// The packet as it left, which must be whole.
    PacketView sent(const Made& what, std::uint16_t link = 0) {
        last = make_packet(what);
        const Verdict verdict = pass(last, link);
        REQUIRE(verdict.action == Action::send);
        out_link = verdict.link;
        REQUIRE(checksums_hold(last));
        return *read_frame(last);
    }
    Drop dropped(const Made& what, std::uint16_t link = 0) {
        last = make_packet(what);
        const Verdict verdict = pass(last, link);
        REQUIRE(verdict.action == Action::drop);
        return verdict.reason;
    }
    /// A server's packet to the client.
    Made from_server(const PacketView& to_server, std::uint8_t flags,
                     std::uint8_t protocol = protocol_tcp) {
        text = to_server.version == 4 ? fmt::format("10.1.0.{}", to_server.destination[15])
                                      : fmt::format("fd00::{}", to_server.destination[15]);
        return {.from = text,
                .to = client(),
                .from_port = to_server.destination_port,
                .to_port = 40'000,
                .protocol = protocol,
                .flags = flags};
    }
    std::uint64_t drops(Drop reason) const {
        return counters->drops[static_cast<std::size_t>(reason)].value();
    }
    pool::RealServer& server(const PacketView& to_server) const {
        return *pool->servers()[to_server.destination[15] - 1U];
    }
    void wait(std::chrono::milliseconds time) {
        for (now += time; forwarder.answers().empty();) {
            const std::size_t before = forwarder.flows().size();
            forwarder.advance(now);
            if (forwarder.flows().size() == before) break;
        }
    }
    /// The servers' network is 10.1.0.0/24, or fd00::/64.
    void put_servers_on_link() {
        const std::uint8_t bits = setting.v6 ? 64 : 96 + 24;
        forwarder.set_hops({{true, 1, server_mac, bits}, {true, 1, server_mac, bits}});
    }
    /// Through the handshake.
    PacketView establish() {
        const PacketView first = sent(made());
        if (setting.mode == config::Mode::nat) sent(from_server(first, tcp_syn | tcp_ack), 1);
        Made ack = made(tcp_ack);
        ack.ack = 12'345;
        sent(ack);
        return first;
    }

    Setting setting;
    std::shared_ptr<const pool::Pool> pool;
    std::shared_ptr<const Services> adopted;
    std::shared_ptr<ServiceCounters> counters = std::make_shared<ServiceCounters>();
    std::shared_ptr<persistence::Table> table = std::make_shared<persistence::Table>(1'000, 300s);
    Forwarder forwarder;
    Forwarder::Clock::time_point now{1h};
    Offload offload;
    Bytes last;
    std::string text;
    std::uint16_t out_link = 0;
};

}  // namespace poise::l4::test
