// Frames from anybody: none leads out of bounds, and what is sent on can be read again.
#include "l4/forwarder.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace {

using namespace poise;

std::shared_ptr<const l4::Services> services_of(config::Mode mode) {
    config::Service configured;
    configured.name = "web";
    config::Server server;
    server.name = server.host = "10.1.0.1";
    server.address = parse_ip(server.host);
    configured.servers = {server};
    auto service = std::make_shared<l4::Service>();
    service->name = configured.name;
    service->mode = mode;
    service->pool = std::make_shared<const pool::Pool>(configured, nullptr);
    service->server_ids = {1};
    service->servers = {0};
    service->counters = {std::make_shared<l4::ServiceCounters>()};
    auto services = std::make_shared<l4::Services>();
    services->services = {service};
    services->servers = {{service->pool->servers()[0], server.address->ip, 0, 0}};
    services->vips = {parse_ip("10.0.0.100")->ip};
    std::vector<l4::PortRange> ports;
    for (const std::uint8_t protocol : {l4::protocol_tcp, l4::protocol_udp})
        ports.push_back({services->vips[0], protocol, 0, 65'535, 0, 0});
    services->by_destination = l4::PortTable(ports);
    for (l4::PortRange& range : ports)
        range.ip = server.address->ip;
    services->by_server = l4::PortTable(ports);
    return services;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    l4::Forwarder forwarder(0, 8, {1, 2});
    forwarder.adopt(services_of(data[0] % 2 == 0 ? config::Mode::nat : config::Mode::dr));
    forwarder.set_links({{1, {}, 1'500}, {2, {}, 1'280}});
    forwarder.set_hops({{true, 1, {}}});
    l4::Forwarder::Clock::time_point now{};
    forwarder.advance(now);
    // Each frame: its length, what the kernel says beside it, its bytes.
    for (std::size_t at = 1; at + 3 <= size;) {
        const std::size_t bytes =
            std::min<std::size_t>(data[at] * 8U + data[at + 1] % 8, size - at - 3);
        const std::uint8_t beside = data[at + 2];
        std::vector<std::uint8_t> frame(data + at + 3, data + at + 3 + bytes);
        at += 3 + bytes;
        l4::Input input{frame,
                        {(beside & 1) != 0, static_cast<std::uint16_t>(beside & 0xf0)},
                        static_cast<std::uint16_t>(beside >> 1 & 1)};
        const l4::Verdict verdict = forwarder.handle(input, now);
        if (verdict.action == l4::Action::send) assert(l4::read_frame(frame).has_value());
        for (const l4::Answer& answer : forwarder.answers())
            assert(l4::read_frame(answer.frame()).has_value());
        forwarder.clear_answers();
        now += std::chrono::seconds{beside};
        forwarder.advance(now);
    }
    return 0;
}
