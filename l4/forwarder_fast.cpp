// Flows that go by the fast path: which, by what way, and what they have done there.
#include "l4/checksum.hpp"
#include "l4/forwarder.hpp"
#include "l4/forwarder_parts.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace poise::l4 {

namespace {

// Shorter lives than these could end between two rounds of look_at_fast().
constexpr std::chrono::milliseconds life_min = 5 * FastFlows::round;

std::uint16_t in_network_order(std::uint16_t port) {
    return std::endian::native == std::endian::little ? std::byteswap(port) : port;
}

poise_fast_key make_key(const Ip& source, std::uint16_t source_port, const Ip& destination,
                        std::uint16_t destination_port, std::uint8_t protocol) {
    poise_fast_key key{};
    std::ranges::copy(source, key.source);
    std::ranges::copy(destination, key.destination);
    key.source_port = in_network_order(source_port);
    key.destination_port = in_network_order(destination_port);
    key.protocol = protocol;
    return key;
}

void set_macs(poise_fast_way& way, const Mac& to, const Mac& from) {
    std::ranges::copy(to, way.macs);
    std::ranges::copy(from, way.macs + to.size());
}

void set_endpoint(poise_fast_way& way, const Ip& before, const Ip& after, std::uint16_t port) {
    ChecksumDelta delta;
    delta.replace(before, after);
    way.flags |= POISE_FAST_NAT;
    way.port = in_network_order(port);
    way.address_delta = delta.folded();
    std::ranges::copy(after, way.address);
}

}  // namespace

// After a packet of it was sent on.
void Forwarder::offer_fast(Flow& flow, const View& view) {
    if (!fast_.available()) return;
    if (!flow.fast && flow.packets < fast_from_packets) {
        ++flow.packets;
        return;
    }
    const std::uint32_t number = flows_.number_of(flow);
    if (flow.fast && fast_.is_current(number)) return;
    if (!may_be_fast(flow, view)) return end_fast(flow);
    std::array<FastDirection, 2> directions;
    const std::size_t count = make_directions(flow, view, directions);
    if (flow.fast) {
        // Another mode since a reload: it begins anew.
        if (!fast_.renew(number, std::span(directions).first(count))) end_fast(flow);
        return;
    }
    flow.fast = fast_.add(number, std::span(directions).first(count));
    flow.packets = 0;  // without room it asks again some time
}

bool Forwarder::may_be_fast(const Flow& flow, const View& view) const {
    const bool steady = flow.state == FlowState::established || flow.state == FlowState::datagrams;
    const config::Layer4& layer4 = view.service->layer4;
    if (!steady || flow.alias_port != 0 || layer4.one_packet) return false;
    if (life_of(flow.state, layer4) < life_min || !serves(flow.server)) return false;
    const auto is_there = [&](std::uint16_t link) {
        return link < links_.size() && links_[link].index != 0;
    };
    return flow.server < hops_.size() && hops_[flow.server].known &&
           is_there(hops_[flow.server].link) && is_there(flow.link);
}

// Returns how many: with mode dr the answers do not pass here.
std::size_t Forwarder::make_directions(const Flow& flow, const View& view,
                                       std::span<FastDirection, 2> to) const {
    const Hop& hop = hops_[flow.server];
    const Link& servers_link = links_[hop.link];
    const Link& clients_link = links_[flow.link];
    const Ip& vip = services_->vips[flow.vip];
    const bool nat = view.service->mode == config::Mode::nat;

    FastDirection& in = to[0];
    in.key = make_key(flow.client, flow.client_port, vip, flow.port, flow.protocol);
    in.way.flags = POISE_FAST_TO_SERVER;
    in.way.interface = static_cast<std::uint32_t>(servers_link.index);
    in.way.mtu = servers_link.mtu;
    in.way.from_interface = static_cast<std::uint32_t>(clients_link.index);
    std::ranges::copy(flow.client_mac, in.way.from_mac);
    set_macs(in.way, hop.mac, servers_link.mac);
    if (!nat) return 1;
    set_endpoint(in.way, vip, server_ip(flow), server_port(flow));

    FastDirection& out = to[1];
    out.key =
        make_key(server_ip(flow), server_port(flow), flow.client, flow.client_port, flow.protocol);
    out.way.interface = static_cast<std::uint32_t>(clients_link.index);
    out.way.mtu = clients_link.mtu;
    set_macs(out.way, flow.client_mac, clients_link.mac);
    set_endpoint(out.way, server_ip(flow), vip, flow.port);
    return 2;
}

void Forwarder::note_fast(Flow& flow, const FastPassed& passed) {
    ServiceCounters& counters = *servers_[flow.server].counters;
    counters.packets_in.add(passed.packets_in);
    counters.packets_out.add(passed.packets_out);
    counters.bytes_in.add(passed.bytes_in);
    counters.bytes_out.add(passed.bytes_out);
    // One of its packets that came here may be later than those there.
    const auto ahead = static_cast<std::int32_t>(passed.acknowledged - flow.client_ack);
    if (passed.acknowledged != 0 && ahead > 0) flow.client_ack = passed.acknowledged;
    if (passed.any()) flow.elsewhere = false;
}

void Forwarder::end_fast(Flow& flow) {
    if (!flow.fast) return;
    note_fast(flow, fast_.remove(flows_.number_of(flow)));
    flow.fast = false;
    flow.packets = 0;
}

void Forwarder::look_at_fast() {
    if (!fast_.available()) return;
    fast_.look_around(
        now_,
        [this](std::uint32_t number, const FastPassed& passed) {
            Flow& flow = *flows_.at(number);
            note_fast(flow, passed);
            const View* const view = servers_[flow.server].view;
            if (view == nullptr) return;
            flows_.touch(flow, flow.state, life_of(flow.state, view->service->layer4));
            teller_.note(flows_, flow, now_);
        },
        [this](std::uint32_t number) { end_fast(*flows_.at(number)); });
}

}  // namespace poise::l4
