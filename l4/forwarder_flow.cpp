// The life of flows: how they are found, which server they get, what each packet tells, their end.
#include "l4/checksum.hpp"
#include "l4/forwarder.hpp"
#include "l4/forwarder_parts.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>

namespace poise::l4 {

namespace {

constexpr std::size_t sweep_step = 16'384;  // places of the table that one advance() looks at

std::uint64_t hash_of(const Ip& ip) {
    return hash64({reinterpret_cast<const char*>(ip.data()), ip.size()});
}

Address address_of(const Ip& ip, std::uint16_t port) {
    return {ip, port};
}

bool hashes_clients(config::Algorithm algorithm) {
    return algorithm == config::Algorithm::sh || algorithm == config::Algorithm::maglev ||
           algorithm == config::Algorithm::dh;
}

std::uint32_t acknowledged(const Forwarder::Clock::time_point, std::span<const std::uint8_t> frame,
                           const PacketView& packet) {
    return load_be32(frame.data() + packet.transport + 8);
}

}  // namespace

bool Forwarder::serves(std::uint16_t server) const {
    const Server& one = servers_[server];
    return one.view != nullptr && one.server->may_serve_known();
}

std::uint16_t Forwarder::server_port(const Flow& flow) const {
    const std::uint16_t port = services_->servers[flow.server].port;
    return port != 0 ? port : flow.port;
}

Flow* Forwarder::find_from_server(const PacketView& packet) {
    const ClientKey key{packet.destination, packet.destination_port, packet.protocol};
    Flow* flow = flows_.find(key, [&](const Flow& one) {
        return server_port(one) == packet.source_port && server_ip(one) == packet.source;
    });
    return flow != nullptr && flow->aside ? flow_of(*flow) : flow;
}

// The flow of a client's packet. Null with a reason: the packet goes no further. Null without: a
// flow may begin.
Flow* Forwarder::known_flow(Work& work, const PortRange& row) {
    const PacketView& packet = work.packet;
    const ClientKey key{packet.source, packet.source_port, packet.protocol};
    Flow* flow = flows_.find(key, [&](const Flow& one) {
        return one.port == packet.destination_port && one.vip == row.value2 && !one.aside;
    });
    if (flow == nullptr) return nullptr;
    const bool tcp = packet.protocol == protocol_tcp;
    const bool syn = tcp && (packet.tcp_flags & (tcp_syn | tcp_ack)) == tcp_syn;
    const bool reopened = syn && flow->state == FlowState::closing;
    if (serves(flow->server) && !reopened) return flow;
    if (tcp && !syn) {
        if ((packet.tcp_flags & tcp_rst) == 0) {
            flow->client_ack = acknowledged(now_, work.frame(), packet);
            reset_client(*flow);
        }
        work.reason = Drop::server_gone;
    }
    end_flow(*flow);
    return nullptr;
}

std::uint16_t Forwarder::choose(Work& work, View& view, bool adopting) {
    const Service& service = *view.service;
    if (service.table) {
        const auto key = service.keys->from_address(address_of(work.packet.source, 0));
        const auto known = service.table->find(key, now_);
        const auto found = std::ranges::find(service.server_ids, known.value_or(0));
        if (known && found != service.server_ids.end()) {
            const auto at = static_cast<std::size_t>(found - service.server_ids.begin());
            pool::RealServer& server = *service.pool->servers()[at];
            if (server.may_serve_known() && !server.full()) {
                view.counters.persistence_hits.add();
                work.kept = true;
                return service.servers[at];
            }
        }
    }
    return choose_anew(work, view, adopting);
}

// Both nodes of a pair adopt a flow for the same server: by the greatest hash of client and server.
std::uint16_t Forwarder::choose_anew(Work& work, View& view, bool adopting) {
    const Service& service = *view.service;
    const auto& servers = service.pool->servers();
    const std::uint64_t client = hash_of(work.packet.source);
    if (adopting && !hashes_clients(service.scheduler)) {
        std::uint16_t best = no_server;
        std::uint64_t best_hash = 0;
        for (std::size_t i = 0; i < servers.size(); ++i) {
            if (!servers[i]->may_serve_known() || servers[i]->backup()) continue;
            const std::uint64_t hash =
                mix64(client + work.packet.source_port + service.server_ids[i]);
            if (best != no_server && hash <= best_hash) continue;
            best = service.servers[i];
            best_hash = hash;
        }
        if (best != no_server) return best;
    }
    const pool::PickHint hint{
        client, mix64(hash_of(work.packet.destination) + work.packet.destination_port), {}};
    const pool::Picked picked = view.picker.pick(hint);
    if (picked.server != nullptr) {
        const auto found = std::ranges::find(servers, picked.server,
                                             [](const auto& server) { return server.get(); });
        assert(found != servers.end());
        return service.servers[static_cast<std::size_t>(found - servers.begin())];
    }
    if (picked.failure == pool::PickFailure::no_server && service.fallback)
        return *service.fallback;
    const bool full = picked.failure == pool::PickFailure::all_full;
    work.reason = full ? Drop::servers_full : Drop::no_server;
    return no_server;
}

Flow* Forwarder::begin_flow(Work& work, const PortRange& row, std::uint16_t number) {
    Server& server = servers_[number];
    pool::ConnectionLease lease = pool::ConnectionLease::below_limit(*server.server);
    if (lease.server() == nullptr) {
        work.reason = Drop::servers_full;  // another thread was quicker
        return nullptr;
    }
    const PacketView& packet = work.packet;
    const config::Layer4& layer4 = work.view->service->layer4;
    const bool tcp = packet.protocol == protocol_tcp;
    Flow* flow = flows_.insert({packet.source, packet.source_port, packet.protocol},
                               tcp ? FlowState::opening : FlowState::single,
                               tcp ? layer4.opening : layer4.datagram);
    if (flow == nullptr) {
        work.reason = Drop::flows_full;
        return nullptr;
    }
    lease.detach();
    flow->port = packet.destination_port;
    flow->vip = row.value2;
    flow->server = number;
    flow->kept = work.kept;
    ++server.flows;
    server.counters->flows.add();
    server.counters->flows_begun.add();
    if (is_neighbour(packet.source, number) && !give_alias(*flow)) {
        end_flow(*flow);
        work.reason = Drop::no_port;
        return nullptr;
    }
    // In a flood of SYNs from nowhere the clients who are kept must not be pushed out.
    if (flows_.half_open() < half_open_calm) {
        remember_client(*flow);
        flow->kept = true;
    }
    return flow;
}

void Forwarder::remember_client(const Flow& flow) {
    const Service& service = *servers_[flow.server].view->service;
    if (!service.table || flow.kept) return;
    const auto found = std::ranges::find(service.servers, flow.server);
    if (found == service.servers.end()) return;  // the fallback server
    const auto at = static_cast<std::size_t>(found - service.servers.begin());
    service.table->put(service.keys->from_address(address_of(flow.client, 0)),
                       service.server_ids[at], now_);
}

void Forwarder::note_client_packet(Flow& flow, const Work& work, bool first) {
    const config::Layer4& layer4 = work.view->service->layer4;
    const PacketView& packet = work.packet;
    Mac from;
    std::copy_n(work.frame().begin() + 6, from.size(), from.begin());
    if (from != flow.client_mac || work.input.link != flow.link) end_fast(flow);
    flow.client_mac = from;
    flow.link = work.input.link;
    flow.elsewhere = false;
    if (packet.protocol != protocol_tcp) {
        if (!first) flows_.touch(flow, FlowState::datagrams, layer4.datagram);
        return;
    }
    const std::uint8_t flags = packet.tcp_flags;
    if ((flags & tcp_ack) != 0) flow.client_ack = acknowledged(now_, work.frame(), packet);
    if ((flags & (tcp_rst | tcp_fin)) != 0) {
        flow.fins |= 1;
        end_fast(flow);
        return flows_.touch(flow, FlowState::closing, layer4.closing);
    }
    if (flow.state == FlowState::established)
        return flows_.touch(flow, FlowState::established, layer4.established);
    if (flow.state == FlowState::closing)
        return flows_.touch(flow, FlowState::closing, layer4.closing);
    // The handshake's third packet; with dr the second one does not pass here.
    const bool answered = flow.answered || work.view->service->mode == config::Mode::dr;
    if (first || !answered || (flags & (tcp_syn | tcp_ack)) != tcp_ack) return;
    if (!flow.answered) servers_[flow.server].server->note_success();
    flow.answered = true;
    flows_.touch(flow, FlowState::established, layer4.established);
    remember_client(flow);
    flow.kept = true;
}

void Forwarder::note_server_packet(Flow& flow, const Work& work) {
    const config::Layer4& layer4 = work.view->service->layer4;
    pool::RealServer& server = *servers_[flow.server].server;
    const bool first = !flow.answered;
    flow.answered = true;
    flow.elsewhere = false;
    if (work.packet.protocol != protocol_tcp) {
        if (first) server.note_success();
        return flows_.touch(flow, FlowState::datagrams, layer4.datagram);
    }
    const std::uint8_t flags = work.packet.tcp_flags;
    const bool refused = first && (flags & tcp_rst) != 0;
    if (refused) server.note_connect_failure("connect refused");
    if (first && !refused) server.note_success();
    if ((flags & (tcp_rst | tcp_fin)) != 0) {
        flow.fins |= 2;
        end_fast(flow);
        return flows_.touch(flow, FlowState::closing, layer4.closing);
    }
    if (flow.state == FlowState::established)
        flows_.touch(flow, FlowState::established, layer4.established);
    else if (flow.state == FlowState::closing)
        flows_.touch(flow, FlowState::closing, layer4.closing);
}

// Takes the flow off all counts.
void Forwarder::release(Flow& flow) {
    if (flow.aside) return;
    end_fast(flow);
    Server& server = servers_[flow.server];
    assert(server.flows > 0);
    --server.flows;
    server.counters->flows.subtract();
    pool::ConnectionLease::adopt(*server.server).release();
    if (server.flows == 0 && server.view == nullptr) server = {};
}

void Forwarder::end_flow(Flow& flow) {
    release(flow);
    if (flow.alias_port != 0)
        if (Flow* const alias = find_alias(flow, flow.alias_port)) flows_.erase(*alias);
    flows_.erase(flow);
}

void Forwarder::reset_client(Flow& flow) {
    if (flow.elsewhere) return;
    end_fast(flow);  // it knows what the client awaits
    Server& server = servers_[flow.server];
    const bool wanted = server.view == nullptr || server.view->service->layer4.reset_clients;
    const bool opened = flow.state == FlowState::established || flow.state == FlowState::opening;
    if (!wanted || !opened || flow.protocol != protocol_tcp || flow.client_ack == 0) return;
    if (flow.link >= links_.size() || links_[flow.link].index == 0) return;
    Answer* const answer = next_answer();
    if (answer == nullptr) return;  // the client's next packet brings another occasion
    answer->link = flow.link;
    make_reset({services_->vips[flow.vip], flow.client, flow.port, flow.client_port,
                flow.client_ack, links_[flow.link].mac, flow.client_mac},
               *answer);
    server.counters->resets.add();
}

void Forwarder::advance(Clock::time_point now) {
    now_ = now;
    flows_.advance(now);
    look_at_fast();
    if (sweeping_) sweep();
}

void Forwarder::servers_lost() {
    sweeping_ = true;
    sweep_at_ = 0;
    fast_.invalidate();  // until then their packets would go on to them
}

// Ends the flows of servers that do not serve any more: a part of the table each time, no more
// than the resets that there is room for.
void Forwarder::sweep() {
    for (std::size_t looked = 0; looked < sweep_step; looked += answers_max) {
        if (answer_count_ != 0) return;
        sweep_at_ = flows_.visit(sweep_at_, answers_max, [this](Flow& flow) {
            if (flow.aside || serves(flow.server)) return;
            // The peer serves it, and may see the server where we do not.
            if (flow.elsewhere && servers_[flow.server].view != nullptr) return;
            reset_client(flow);
            end_flow(flow);
        });
        if (sweep_at_ != 0) continue;
        sweeping_ = false;
        return;
    }
}

}  // namespace poise::l4
