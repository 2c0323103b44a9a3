// Frames from anybody, answers to what was sent on and ICMP errors about it: none leads out of
// bounds, what is sent on can be read again and has right checksums, and at the end nothing is
// left on the counts.
#include "l4/checksum.hpp"
#include "l4/forwarder.hpp"
#include "l4/rewrite.hpp"
#include "tests/unit/l4/fast_path_fake.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace poise;
using Bytes = std::vector<std::uint8_t>;

// The first byte of an input.
struct Setting {
    explicit Setting(std::uint8_t bits)
        : mode((bits & 1) == 0 ? config::Mode::nat : config::Mode::dr),
          servers_on_link((bits & 2) != 0),  // their network's clients are answered past us
          persistent((bits & 32) != 0) {
        layer4.rtp_pairs = (bits & 4) != 0;
        layer4.one_packet = (bits & 8) != 0;
        layer4.adopt = (bits & 16) != 0;
    }

    config::Mode mode;
    bool servers_on_link;
    bool persistent;
    config::Layer4 layer4;
};

std::shared_ptr<l4::Service> make_service(const Setting& setting, bool v6) {
    config::Service configured;
    configured.name = v6 ? "web6" : "web";
    for (const char last : {'1', '2'}) {
        config::Server server;
        server.name = server.host = (v6 ? "fd00::" : "10.1.0.") + std::string(1, last);
        server.address = parse_ip(server.host);
        configured.servers.push_back(server);
    }
    auto service = std::make_shared<l4::Service>();
    service->name = configured.name;
    service->mode = setting.mode;
    service->layer4 = setting.layer4;
    service->pool = std::make_shared<const pool::Pool>(configured, nullptr);
    service->server_ids = {1, 2};
    service->counters = {std::make_shared<l4::ServiceCounters>()};
    if (setting.persistent) {
        service->table = std::make_shared<persistence::Table>(16, std::chrono::seconds{300});
        service->keys.emplace(service->name, HashKey{3, 4});
    }
    return service;
}

std::shared_ptr<l4::Services> make_services(const Setting& setting) {
    auto services = std::make_shared<l4::Services>();
    services->vips = {parse_ip("10.0.0.100")->ip, parse_ip("2001:db8::100")->ip};
    std::vector<l4::PortRange> by_destination;
    std::vector<l4::PortRange> by_server;
    for (const std::uint16_t number : {0, 1}) {
        auto service = make_service(setting, number == 1);
        for (const std::uint8_t protocol : {l4::protocol_tcp, l4::protocol_udp}) {
            by_destination.push_back({services->vips[number], protocol, 0, 65'535, number, number});
            if (setting.mode != config::Mode::nat) continue;
            for (const auto& server : service->pool->servers())
                by_server.push_back({server->address()->ip, protocol, 0, 65'535, number, 0});
        }
        for (const auto& server : service->pool->servers()) {
            service->servers.push_back(static_cast<std::uint16_t>(services->servers.size()));
            services->servers.push_back({server, server->address()->ip, 0, number});
        }
        services->services.push_back(service);
    }
    services->by_destination = l4::PortTable(by_destination);
    services->by_server = l4::PortTable(by_server);
    return services;
}

std::uint8_t* checksum_at(Bytes& frame, const l4::PacketView& view) {
    if (view.fragment != l4::Fragment::none) return nullptr;
    if (view.protocol == l4::protocol_udp) return &frame[view.transport + 6U];
    if (view.protocol == l4::protocol_tcp) return &frame[view.transport + 16U];
    return view.icmp_error ? &frame[view.transport + 2U] : nullptr;
}

std::uint16_t sum_of_transport(Bytes& frame, const l4::PacketView& view) {
    const std::size_t bytes = view.end - view.transport;
    const bool pseudo = view.protocol != l4::protocol_icmp;
    return l4::fold(l4::sum_of(std::span(frame).subspan(view.transport, bytes)) +
                    (pseudo ? l4::pseudo_header_sum(view, bytes) : 0));
}

std::uint16_t sum_of_header(Bytes& frame, const l4::PacketView& view) {
    const std::size_t bytes = std::size_t{frame[view.network]} % 16 * 4;
    return l4::fold(l4::sum_of(std::span(frame).subspan(view.network, bytes)));
}

// Nobody on the way looks at them: a fuzzer's time is not for guessing sums.
void make_checksums(Bytes& frame) {
    const auto view = l4::read_frame(frame);
    if (!view) return;
    if (view->version == 4) {
        l4::store16(&frame[view->network + 10U], 0);
        l4::store16(&frame[view->network + 10U],
                    static_cast<std::uint16_t>(~sum_of_header(frame, *view)));
    }
    std::uint8_t* const at = checksum_at(frame, *view);
    const bool udp = view->protocol == l4::protocol_udp;
    if (at == nullptr || (udp && l4::load16(at) == 0)) return;
    l4::store16(at, 0);
    const auto sum = static_cast<std::uint16_t>(~sum_of_transport(frame, *view));
    l4::store16(at, udp && sum == 0 ? std::uint16_t{0xffff} : sum);
}

void check_checksums(Bytes frame) {
    const auto view = l4::read_frame(frame);
    assert(view.has_value());
    if (view->version == 4) assert(sum_of_header(frame, *view) == 0xffff);
    const std::uint8_t* const at = checksum_at(frame, *view);
    const bool udp = view->protocol == l4::protocol_udp;
    if (at == nullptr || (udp && l4::load16(at) == 0)) return;
    assert(sum_of_transport(frame, *view) == 0xffff);
}

// The frame as its receiver would answer it: ends exchanged.
Bytes answer_to(const Bytes& frame, std::uint8_t flags) {
    Bytes answer = frame;
    auto view = l4::read_frame(answer);
    if (!view || !view->has_ports) return answer;
    const l4::PacketView before = *view;
    l4::set_endpoint(answer, *view, {}, l4::Side::source, before.destination,
                     before.destination_port);
    l4::set_endpoint(answer, *view, {}, l4::Side::destination, before.source, before.source_port);
    if (view->protocol == l4::protocol_tcp) answer[view->transport + 13U] = flags;
    return answer;
}

// To where it came from, from where it went.
Bytes error_about(const Bytes& frame, std::uint8_t type) {
    const auto view = l4::read_frame(frame);
    if (!view) return frame;
    const bool v4 = view->version == 4;
    Bytes error(frame.begin(), frame.begin() + l4::ethernet_bytes);
    l4::store_be16(&error[12], v4 ? 0x0800 : 0x86dd);
    const std::size_t quoted = std::min<std::size_t>(view->end - view->network, 200);
    error.resize(l4::ethernet_bytes + (v4 ? 20 : 40) + 8 + quoted);
    std::uint8_t* const at = error.data() + l4::ethernet_bytes;
    if (v4) {
        at[0] = 0x45;
        l4::store_be16(at + 2, static_cast<std::uint16_t>(28 + quoted));
        at[8] = 64;
        at[9] = l4::protocol_icmp;
        std::copy_n(view->destination.begin() + 12, 4, at + 12);
        std::copy_n(view->source.begin() + 12, 4, at + 16);
    } else {
        at[0] = 0x60;
        l4::store_be16(at + 4, static_cast<std::uint16_t>(8 + quoted));
        at[6] = l4::protocol_icmp6;
        at[7] = 64;
        std::ranges::copy(view->destination, at + 8);
        std::ranges::copy(view->source, at + 24);
    }
    at[v4 ? 20 : 40] = type;
    std::copy_n(frame.begin() + view->network, quoted, at + (v4 ? 28 : 48));
    return error;
}

class World {
public:
    World(const Setting& setting, l4::FastPath& fast)
        : services_(make_services(setting)), forwarder_({}, 8, {1, 2}, &fast) {
        forwarder_.adopt(services_);
        forwarder_.set_links({{1, {}, 1'500}, {2, {}, 1'280}});
        const auto bits = [&](std::uint8_t wanted) {
            return setting.servers_on_link ? wanted : std::uint8_t{0};
        };
        const l4::Hop hop{true, 1, {}, bits(96 + 24)};
        const l4::Hop hop6{true, 1, {}, bits(64)};
        forwarder_.set_hops({hop, hop, hop6, hop6});
        forwarder_.advance(now_);
    }

    // `beside`: what the kernel says beside it, the link, where the frame comes from.
    void pass(Bytes frame, std::uint8_t beside) {
        const std::uint8_t first = frame.empty() ? std::uint8_t{0} : frame[0];
        if ((beside & 4) != 0) frame = answer_to(last_, first);
        if ((beside & 8) != 0) frame = error_about(last_, first);
        const bool partial = (beside & 1) != 0;
        if (!partial) make_checksums(frame);
        l4::Input input{frame,
                        {partial, static_cast<std::uint16_t>(beside & 0xf0)},
                        static_cast<std::uint16_t>(beside >> 1 & 1)};
        const l4::Verdict verdict = forwarder_.handle(input, now_);
        if (verdict.action == l4::Action::send) {
            assert(l4::read_frame(frame).has_value());
            if (!partial) check_checksums(frame);
            last_ = frame;
        }
        clear_answers();
    }

    void wait(std::uint8_t seconds) {
        now_ += std::chrono::seconds{seconds};
        forwarder_.advance(now_);
        clear_answers();
    }

    void halt_or_bring_back(std::size_t number) {
        pool::RealServer& server = *services_->servers[number % 4].server;
        const bool online = server.may_serve_known();
        server.set_admin(online ? pool::AdminState::halt : pool::AdminState::online);
        forwarder_.servers_lost();
    }

    const l4::Services& services() const { return *services_; }

private:
    void clear_answers() {
        for (const l4::Answer& answer : forwarder_.answers())
            check_checksums(Bytes(answer.frame().begin(), answer.frame().end()));
        forwarder_.clear_answers();
    }

    std::shared_ptr<l4::Services> services_;
    l4::Forwarder forwarder_;
    l4::Forwarder::Clock::time_point now_{};
    Bytes last_;
};

// The forwarder is gone, and with it all flows.
void check_counts(const l4::Services& services) {
    for (const auto& service : services.services)
        assert(service->counters[0]->flows.value() == 0);
    for (const l4::ServerEntry& one : services.servers)
        assert(one.server->connections() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    l4::test::FakeFastPath fast(3);
    auto world = std::make_unique<World>(Setting(data[0]), fast);
    // Each frame: its length, what is beside it, its bytes.
    for (std::size_t at = 1; at + 3 <= size;) {
        const std::size_t bytes =
            std::min<std::size_t>(data[at] * 8U + data[at + 1] % 8, size - at - 3);
        const std::uint8_t beside = data[at + 2];
        const std::uint8_t* const begin = data + at + 3;
        at += 3 + bytes;
        if (bytes == 0)
            world->halt_or_bring_back(beside);
        else
            world->pass(Bytes(begin, begin + bytes), beside);
        world->wait(bytes == 0 ? std::uint8_t{0} : beside);
    }
    const l4::Services services = world->services();
    world.reset();
    check_counts(services);
    assert(fast.size() == 0);
    return 0;
}
