#include "l4/forwarder.hpp"

#include "l4/checksum.hpp"
#include "l4/forwarder_parts.hpp"
#include "l4/pieces.hpp"
#include "l4/rewrite.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::l4 {

namespace {

constexpr Verdict ignored{};

}  // namespace

Forwarder::Forwarder(ThreadNumber thread, std::size_t flows_max, HashKey secret, FastPath* fast)
    : thread_(thread),
      fast_(fast),
      flows_(flows_max, secret, [this](Flow& flow) { release(flow); }),
      fragments_(secret),
      services_(std::make_shared<const Services>()),
      answers_(answers_max) {}

Forwarder::~Forwarder() {
    for (std::size_t at = 0;;) {
        at = flows_.visit(at, 65'536, [this](Flow& flow) { release(flow); });
        if (at == 0) break;
    }
}

void Forwarder::adopt(std::shared_ptr<const Services> services) {
    services_ = std::move(services);
    for (Server& server : servers_)
        server.view = nullptr;
    views_.clear();
    for (const auto& service : services_->services) {
        const std::uint64_t seed = mix64(thread_.number + 1);
        views_.push_back(std::make_unique<View>(
            View{service, pool::Picker(service->pool, seed), *service->counters[thread_.number]}));
    }
    servers_.resize(std::max(servers_.size(), services_->servers.size()));
    for (std::size_t i = 0; i < services_->servers.size(); ++i) {
        const ServerEntry& entry = services_->servers[i];
        if (entry.service == ServerEntry::gone) continue;
        servers_[i].server = entry.server;
        servers_[i].counters = services_->services[entry.service]->counters[thread_.number];
        servers_[i].view = views_[entry.service].get();
    }
    note_servers();
    servers_lost();
}

void Forwarder::set_links(std::vector<Link> links) {
    links_ = std::move(links);
    fast_.invalidate();
}

void Forwarder::set_hops(std::vector<Hop> hops) {
    hops_ = std::move(hops);
    fast_.invalidate();
}

Verdict Forwarder::dispatch(Work& work) {
    const PacketView& packet = work.packet;
    if (packet.fragment == Fragment::later) return later_fragment(work);
    if (packet.icmp_error) return about_flow(work);
    if (!packet.has_ports) return ignored;
    if (work.row != nullptr) return from_client(work, *work.row);
    if (services_->by_server.find(packet.source, packet.protocol, packet.source_port) != nullptr)
        return from_server(work);
    return ignored;
}

Verdict Forwarder::from_client(Work& work, const PortRange& row) {
    work.view = views_[row.value].get();
    const config::Layer4& layer4 = work.view->service->layer4;
    const PacketView& packet = work.packet;
    const bool tcp = packet.protocol == protocol_tcp;
    // A traceroute's probe is no reason to begin a flow.
    if (packet.hops <= 1 && work.view->service->mode == config::Mode::nat)
        return time_exceeded(work);
    if (!tcp && layer4.one_packet) return one_datagram(work, row);
    Flow* flow = known_flow(work, row);
    if (flow == nullptr && work.reason != Drop::none) return drop(work, work.reason);
    const bool first = flow == nullptr;
    if (first) {
        const bool opens = !tcp || (packet.tcp_flags & (tcp_syn | tcp_ack | tcp_rst)) == tcp_syn;
        const bool ends = tcp && (packet.tcp_flags & tcp_rst) != 0;
        if (!opens && (ends || !layer4.adopt)) return drop(work, Drop::no_flow);
        std::uint16_t server = paired_server(work, row);
        if (server == no_server) server = choose(work, *work.view, !opens);
        if (server == no_server) return drop(work, work.reason);
        flow = begin_flow(work, row, server);
        if (flow == nullptr) return drop(work, work.reason);
        if (!opens) work.view->counters.adopted.add();
        if (layer4.rtp_pairs) remember_pair(*flow);
    }
    work.flow = flow;
    note_client_packet(*flow, work, first);
    if (flow->alias_port != 0) keep_alias(*flow);
    teller_.note(flows_, *flow, now_);
    const Verdict verdict = to_server(work, *flow);
    if (verdict.action == Action::send) offer_fast(*flow, *work.view);
    return verdict;
}

// Each one is scheduled alone; a flow for each server that the client has come to leads the
// answers back.
Verdict Forwarder::one_datagram(Work& work, const PortRange& row) {
    const std::uint16_t server = choose(work, *work.view, false);
    if (server == no_server) return drop(work, work.reason);
    const PacketView& packet = work.packet;
    const ClientKey key{packet.source, packet.source_port, packet.protocol};
    Flow* flow = flows_.find(key, [&](const Flow& one) {
        return one.port == packet.destination_port && one.vip == row.value2 && one.server == server;
    });
    const bool first = flow == nullptr;
    if (first) flow = begin_flow(work, row, server);
    if (flow == nullptr) return drop(work, work.reason);
    work.flow = flow;
    note_client_packet(*flow, work, first);
    teller_.note(flows_, *flow, now_);
    return to_server(work, *flow);
}

Verdict Forwarder::from_server(Work& work) {
    Flow* flow = find_from_server(work.packet);
    if (flow == nullptr) return ignored;  // to this machine itself, as the answer to a check
    Server& server = servers_[flow->server];
    work.view = server.view;
    work.flow = flow;
    if (!serves(flow->server)) {
        const Verdict dropped = drop(work, Drop::server_gone);
        reset_client(*flow);
        end_flow(*flow);
        return dropped;
    }
    note_server_packet(*flow, work);
    if (flow->alias_port != 0) keep_alias(*flow);
    teller_.note(flows_, *flow, now_);
    const Verdict verdict = to_client(work, *flow);
    if (verdict.action == Action::send) offer_fast(*flow, *work.view);
    return verdict;
}

Verdict Forwarder::later_fragment(Work& work) {
    const Fragments::Fate* fate = fragments_.find(work.packet, now_);
    if (fate == nullptr) return ignored;  // of another service, or the kernel's own
    Flow* flow = flows_.at(fate->flow, fate->flow_hash);
    if (flow == nullptr || !serves(flow->server)) return drop(work, Drop::fragment_unknown);
    work.view = servers_[flow->server].view;
    work.flow = flow;
    return fate->to_server ? to_server(work, *flow) : to_client(work, *flow);
}

Verdict Forwarder::to_server(Work& work, const Flow& flow) {
    const Hop hop = flow.server < hops_.size() ? hops_[flow.server] : Hop{};
    if (!hop.known) return drop(work, Drop::no_neighbour);
    const bool nat = work.view->service->mode == config::Mode::nat;
    if (nat && work.packet.hops <= 1) return time_exceeded(work);
    const bool whole = fits(work, hop.link);
    if (!whole && !may_be_cut(work, hop.link)) return too_big(work, hop.link);
    if (work.packet.fragment == Fragment::first)
        fragments_.remember(work.packet, {flows_.number_of(flow), flow.hash, true}, now_);
    work.view->counters.packets_in.add();
    work.view->counters.bytes_in.add(work.ip_bytes());
    if (nat) {
        take_hop(work.frame(), work.packet);
        set_endpoint(work.frame(), work.packet, work.input.offload, Side::destination,
                     server_ip(flow), server_port(flow));
        if (flow.alias_port != 0)
            set_endpoint(work.frame(), work.packet, work.input.offload, Side::source,
                         services_->vips[flow.vip], flow.alias_port);
    }
    return whole ? sent(work, hop.link, hop.mac) : sent_in_pieces(work, hop.link, hop.mac);
}

Verdict Forwarder::to_client(Work& work, const Flow& flow) {
    if (work.packet.hops <= 1) return time_exceeded(work);
    const bool whole = fits(work, flow.link);
    if (!whole && !may_be_cut(work, flow.link)) return too_big(work, flow.link);
    if (work.packet.fragment == Fragment::first)
        fragments_.remember(work.packet, {flows_.number_of(flow), flow.hash, false}, now_);
    work.view->counters.packets_out.add();
    work.view->counters.bytes_out.add(work.ip_bytes());
    take_hop(work.frame(), work.packet);
    set_endpoint(work.frame(), work.packet, work.input.offload, Side::source,
                 services_->vips[flow.vip], flow.port);
    if (flow.alias_port != 0)
        set_endpoint(work.frame(), work.packet, work.input.offload, Side::destination, flow.client,
                     flow.client_port);
    return whole ? sent(work, flow.link, flow.client_mac)
                 : sent_in_pieces(work, flow.link, flow.client_mac);
}

Verdict Forwarder::sent(Work& work, std::uint16_t link, const Mac& to) {
    if (link >= links_.size() || links_[link].index == 0) return drop(work, Drop::no_route);
    set_macs(work.frame(), to, links_[link].mac);
    return {Action::send, Drop::none, link};
}

// Only what may_be_cut() comes here.
Verdict Forwarder::sent_in_pieces(Work& work, std::uint16_t link, const Mac& to) {
    const std::uint32_t mtu = links_[link].mtu;
    set_macs(work.frame(), to, links_[link].mac);
    const std::size_t pieces = pieces_needed(work.frame(), work.packet, work.input.offload, mtu);
    const auto into = std::span(answers_).subspan(answer_count_, pieces);
    cut(work.frame(), work.packet, work.input.offload, mtu, into);
    for (Answer& piece : into)
        piece.link = link;
    answer_count_ += pieces;
    return {Action::cut, Drop::none, link};
}

Verdict Forwarder::drop(Work& work, Drop reason) {
    assert(reason != Drop::none);
    count(work.view != nullptr ? work.view->counters.drops : drops_, reason);
    LastDrops& last = work.view != nullptr ? work.view->counters.last_drops : last_drops_;
    if (last.wants(reason, now_)) keep_example(last, work, reason);
    return {Action::drop, reason, 0};
}

void Forwarder::keep_example(LastDrops& drops, const Work& work, Drop reason) const {
    DroppedPacket dropped;
    dropped.at = now_;
    dropped.reason = reason;
    dropped.packet = work.packet;
    if (work.flow != nullptr) {
        dropped.server = work.flow->server;
        dropped.client = {work.flow->client, work.flow->client_port};
    } else if (work.row != nullptr) {
        dropped.client = {work.packet.source, work.packet.source_port};
    }
    drops.add(dropped);
}

Verdict Forwarder::drop_broken(const Input& input, Drop reason) {
    count(drops_, reason);
    if (last_drops_.wants(reason, now_)) {
        DroppedPacket dropped = broken_packet(input.frame, reason);
        dropped.at = now_;
        last_drops_.add(dropped);
    }
    return {Action::drop, reason, 0};
}

void Forwarder::lost(Drop reason, std::size_t packets) {
    count(drops_, reason, packets);
    if (!last_drops_.wants(reason, now_)) return;
    DroppedPacket dropped;
    dropped.at = now_;
    dropped.reason = reason;
    dropped.packets = static_cast<std::uint32_t>(packets);
    last_drops_.add(dropped);
}

bool Forwarder::may_be_cut(const Work& work, std::uint16_t link) const {
    const std::size_t pieces =
        pieces_needed(work.frame(), work.packet, work.input.offload, links_[link].mtu);
    return pieces != 0 && pieces <= answers_.size() - answer_count_;
}

// Of a super-packet it is the segments that must fit.
bool Forwarder::fits(const Work& work, std::uint16_t link) const {
    if (link >= links_.size() || links_[link].index == 0) return true;  // sent() tells
    std::size_t bytes = work.ip_bytes();
    if (work.input.offload.segment_bytes != 0) {
        std::size_t header = udp_bytes;
        if (work.packet.protocol == protocol_tcp)
            header = std::size_t{work.frame()[work.packet.transport + 12]} >> 4 << 2;
        bytes =
            work.packet.transport - work.packet.network + header + work.input.offload.segment_bytes;
    }
    return bytes <= links_[link].mtu;
}

Answer* Forwarder::next_answer() {
    return answer_count_ < answers_.size() ? &answers_[answer_count_++] : nullptr;
}

}  // namespace poise::l4
