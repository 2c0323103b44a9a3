// How dear is a packet with a thousand flows, with a million, with seven: the forwarder alone,
// without a network, with 64 packets at once and one at a time. Prints a line for each.
#include "l4/forwarder.hpp"
#include "l4/rewrite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace {

namespace config = poise::config;
namespace l4 = poise::l4;
namespace pool = poise::pool;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t packets = 2'000'000;
constexpr std::uint32_t batch_max = 64;

std::shared_ptr<const l4::Services> make_services() {
    config::Service configured;
    configured.name = "web";
    configured.scheduler = config::Algorithm::rr;
    for (const char* host : {"10.1.0.1", "10.1.0.2"}) {
        config::Server server;
        server.name = server.host = host;
        server.port = 8'080;
        server.address = poise::parse_ip(host);
        configured.servers.push_back(server);
    }
    auto service = std::make_shared<l4::Service>();
    service->name = configured.name;
    service->pool = std::make_shared<const pool::Pool>(configured, nullptr);
    service->server_ids = {1, 2};
    service->servers = {0, 1};
    service->counters = {std::make_shared<l4::ServiceCounters>()};
    auto services = std::make_shared<l4::Services>();
    services->services = {service};
    for (const auto& server : service->pool->servers())
        services->servers.push_back({server, server->configured().address->ip, 8'080, 0});
    services->vips = {poise::parse_ip("10.0.0.100")->ip};
    services->by_destination = l4::PortTable({{services->vips[0], l4::protocol_tcp, 80, 80, 0, 0}});
    return services;
}

// A SYN of client `number`; its checksums do not matter here.
std::array<std::uint8_t, 60> packet_of(std::uint32_t number) {
    std::array<std::uint8_t, 60> frame{};
    frame[12] = 8;
    std::uint8_t* const ip = frame.data() + l4::ethernet_bytes;
    ip[0] = 0x45;
    ip[3] = 40;
    ip[8] = 64;
    ip[9] = l4::protocol_tcp;
    ip[12] = 172;
    ip[13] = static_cast<std::uint8_t>(number >> 24);
    ip[14] = static_cast<std::uint8_t>(number >> 16);
    ip[15] = static_cast<std::uint8_t>(number >> 8);
    const std::uint8_t vip[4] = {10, 0, 0, 100};
    std::memcpy(ip + 16, vip, sizeof vip);
    ip[20] = 128;
    ip[21] = static_cast<std::uint8_t>(number);
    ip[23] = 80;
    ip[32] = 0x50;
    ip[33] = l4::tcp_syn;
    return frame;
}

void measure(std::uint32_t flows) {
    l4::Forwarder forwarder({}, 8'388'608, {1, 2});
    forwarder.adopt(make_services());
    forwarder.set_links({{1, {}, 1'500}});
    forwarder.set_hops({{true, 0, {}}, {true, 0, {}}});
    auto now = Clock::now();
    forwarder.advance(now);
    // As many at once as a ring has under load.
    std::array<std::array<std::uint8_t, 60>, batch_max> frames;
    std::array<l4::Input, batch_max> inputs;
    std::array<l4::Verdict, batch_max> verdicts;
    const auto pass = [&](const auto& number_at, std::uint32_t count, std::uint32_t batch) {
        for (std::uint32_t at = 0; at < count; at += batch) {
            const std::uint32_t size = std::min<std::uint32_t>(batch, count - at);
            for (std::uint32_t i = 0; i < size; ++i) {
                frames[i] = packet_of(number_at(at + i));
                inputs[i] = {frames[i], {}, 0};
            }
            forwarder.handle(std::span(inputs).first(size), std::span(verdicts).first(size), now);
        }
    };
    const auto begun = Clock::now();
    pass([](std::uint32_t i) { return i; }, flows, batch_max);
    const std::chrono::duration<double, std::nano> making = Clock::now() - begun;
    std::vector<std::uint32_t> order(packets);
    std::mt19937 random(1);
    for (std::uint32_t& one : order)
        one = random() % flows;
    const auto cost = [&](std::uint32_t batch) {
        const auto start = Clock::now();
        pass([&](std::uint32_t i) { return order[i]; }, packets, batch);
        const std::chrono::duration<double, std::nano> taken = Clock::now() - start;
        return taken.count() / packets;
    };
    // By turns, so that what else the machine does meets both.
    double alone = 1e9;
    double together = 1e9;
    for (int round = 0; round < 5; ++round) {
        alone = std::min(alone, cost(1));
        together = std::min(together, cost(batch_max));
    }
    fmt::print(
        "{:>8} flows: {:6.1f} ns a packet, {:6.1f} one at a time, {:6.1f} ns a new flow, "
        "{:6.1f} MiB\n",
        forwarder.flows().size(), together, alone, making.count() / flows,
        static_cast<double>(forwarder.flows().memory_bytes()) / (1 << 20));
}

}  // namespace

int main() {
    for (const std::uint32_t flows : {1'000U, 50'000U, 1'000'000U, 7'000'000U})
        measure(flows);
    return 0;
}
