// ICMP errors that speak of a flow: to the server when they are about what it sent, to the client
// when they are about what he sent, with the addresses that each of them knows. And our own, about
// packets that go no further.
#include "l4/checksum.hpp"
#include "l4/forwarder.hpp"
#include "l4/forwarder_parts.hpp"
#include "l4/rewrite.hpp"

namespace poise::l4 {

namespace {

constexpr std::uint8_t icmp4_redirect = 5;

}  // namespace

Verdict Forwarder::about_flow(Work& work) {
    const auto type = work.frame()[work.packet.transport];
    if (work.packet.version == 4 && type == icmp4_redirect) return {};
    auto inner = read_ip(work.frame().first(work.packet.end), work.packet.inner, false);
    if (!inner || !inner->has_ports) return {};  // the kernel may know better
    // From the client's side it is about what left for the client, from us or past us (dr).
    if (const PortRange* row =
            services_->by_destination.find(inner->source, inner->protocol, inner->source_port)) {
        work.view = views_[row->value].get();
        const ClientKey key{inner->destination, inner->destination_port, inner->protocol};
        const Flow* flow = flows_.find(key, [&](const Flow& one) {
            return one.port == inner->source_port && one.vip == row->value2 && !one.aside;
        });
        work.flow = flow;
        if (flow == nullptr || !serves(flow->server)) return drop(work, Drop::icmp_unrelated);
        return error_to_server(work, *inner, *flow);
    }
    if (services_->by_server.find(inner->destination, inner->protocol, inner->destination_port) ==
        nullptr)
        return {};
    const ClientKey key{inner->source, inner->source_port, inner->protocol};
    const Flow* flow = flows_.find(key, [&](const Flow& one) {
        return server_port(one) == inner->destination_port && server_ip(one) == inner->destination;
    });
    if (flow != nullptr && flow->aside) flow = flow_of(*flow);
    work.flow = flow;
    if (flow == nullptr || !serves(flow->server)) return drop(work, Drop::icmp_unrelated);
    work.view = servers_[flow->server].view;
    return error_to_client(work, *inner, *flow);
}

Verdict Forwarder::error_to_server(Work& work, PacketView& inner, const Flow& flow) {
    const Hop hop = flow.server < hops_.size() ? hops_[flow.server] : Hop{};
    if (!hop.known) return drop(work, Drop::no_neighbour);
    if (work.view->service->mode == config::Mode::nat) {
        if (!take_hop(work.frame(), work.packet)) return drop(work, Drop::hops_exceeded);
        set_endpoint(work.frame(), work.packet, {}, Side::destination, server_ip(flow), 0);
        set_inner_endpoint(work.frame(), inner, Side::source, server_ip(flow), server_port(flow));
        if (flow.alias_port != 0)
            set_inner_endpoint(work.frame(), inner, Side::destination, services_->vips[flow.vip],
                               flow.alias_port);
        finish_icmp(work.frame(), work.packet);
        work.input.offload = {};
    }
    work.view->counters.packets_in.add();
    work.view->counters.bytes_in.add(work.ip_bytes());
    return sent(work, hop.link, hop.mac);
}

Verdict Forwarder::error_to_client(Work& work, PacketView& inner, const Flow& flow) {
    if (!take_hop(work.frame(), work.packet)) return drop(work, Drop::hops_exceeded);
    const Ip& vip = services_->vips[flow.vip];
    // A router between us and the server may show itself; the server may not.
    if (work.packet.source == server_ip(flow))
        set_endpoint(work.frame(), work.packet, {}, Side::source, vip, 0);
    set_inner_endpoint(work.frame(), inner, Side::destination, vip, flow.port);
    if (flow.alias_port != 0) {
        set_endpoint(work.frame(), work.packet, {}, Side::destination, flow.client, 0);
        set_inner_endpoint(work.frame(), inner, Side::source, flow.client, flow.client_port);
    }
    finish_icmp(work.frame(), work.packet);
    work.input.offload = {};
    work.view->counters.packets_out.add();
    work.view->counters.bytes_out.add(work.ip_bytes());
    return sent(work, flow.link, flow.client_mac);
}

bool AnswerRate::take(std::chrono::steady_clock::time_point now) {
    if (now - since >= std::chrono::seconds{1}) {
        since = now;
        count = 0;
    }
    if (count == per_second) return false;
    ++count;
    return true;
}

Verdict Forwarder::too_big(Work& work, std::uint16_t link) {
    if (Answer* const answer = too_big_rate_.take(now_) ? next_answer() : nullptr) {
        answer->link = work.input.link;
        make_too_big(work.frame(), work.packet, links_[link].mtu, *answer);
    }
    return drop(work, Drop::too_big);
}

// Traceroute lives on it. Of a datagram in fragments the first one is answered alone (RFC 1122
// section 3.2.2).
Verdict Forwarder::time_exceeded(Work& work) {
    const bool answered = work.packet.fragment != Fragment::later && time_exceeded_rate_.take(now_);
    if (Answer* const answer = answered ? next_answer() : nullptr) {
        answer->link = work.input.link;
        make_time_exceeded(work.frame(), work.packet, *answer);
    }
    return drop(work, Drop::hops_exceeded);
}

}  // namespace poise::l4
