// Entries of the table that are no flows but lead to one. A client in the servers' own network is
// answered past us, unless the server sees an address of ours instead of his: a port of the
// service's address stands for him, and the entry under that port leads the answers to his flow.
// And a pair of ports: the entry under both says which server has it.
#include "l4/forwarder.hpp"
#include "l4/forwarder_parts.hpp"

namespace poise::l4 {

namespace {

constexpr int alias_tries = 64;  // among ports of which most are free

// One of those whose answers come to this thread; any of them for one `chance` or other.
std::uint16_t alias_port(std::uint64_t chance, ThreadNumber thread) {
    constexpr unsigned pairs = (65'536 - alias_port_first) / 2;
    const unsigned first = thread_of_alias(alias_port_first, thread.of);
    const unsigned ours = (thread.number + thread.of - first) % thread.of;
    const auto pair = static_cast<unsigned>(chance % (pairs / thread.of)) * thread.of + ours;
    return static_cast<std::uint16_t>(alias_port_first + pair * 2 + (chance >> 63));
}

bool same_network(const Ip& one, const Ip& other, unsigned bits) {
    for (std::size_t i = 0; i < bits / 8; ++i)
        if (one[i] != other[i]) return false;
    return bits % 8 == 0 || (one[bits / 8] ^ other[bits / 8]) >> (8 - bits % 8) == 0;
}

}  // namespace

bool Forwarder::is_neighbour(const Ip& client, std::uint16_t server) const {
    if (server >= hops_.size() || hops_[server].network_bits == 0) return false;
    const Server& one = servers_[server];
    if (one.view == nullptr || one.view->service->mode != config::Mode::nat) return false;
    return same_network(client, services_->servers[server].ip, hops_[server].network_bits);
}

Flow* Forwarder::find_alias(const Flow& flow, std::uint16_t port) {
    return flows_.find({services_->vips[flow.vip], port, flow.protocol}, [&](const Flow& one) {
        return one.aside && one.server == flow.server && server_port(one) == server_port(flow);
    });
}

// Null: the flow has ended, whoever stands in its place now.
Flow* Forwarder::flow_of(const Flow& alias) {
    Flow* const flow = flows_.at(alias.client_ack);
    const bool same = flow != nullptr && !flow->aside && flow->alias_port == alias.client_port &&
                      flow->vip == alias.vip && flow->server == alias.server &&
                      flow->protocol == alias.protocol && flow->port == alias.port;
    return same ? flow : nullptr;
}

// False: no port was found, or the table is full; a flow must not be evicted by its own alias.
bool Forwarder::give_alias(Flow& flow) {
    for (std::uint64_t i = 0; i < alias_tries; ++i) {
        const std::uint16_t port = alias_port(mix64(flow.hash + (i << 32)), thread_);
        Flow* const taken = find_alias(flow, port);
        if (taken != nullptr && flow_of(*taken) != nullptr) continue;
        if (taken != nullptr) flows_.erase(*taken);
        flow.alias_port = port;
        place_alias(flow);
        return find_alias(flow, port) != nullptr;
    }
    return false;
}

void Forwarder::place_alias(const Flow& flow) {
    if (flows_.size() >= flows_.flows_max()) return;
    Flow* const alias = flows_.insert({services_->vips[flow.vip], flow.alias_port, flow.protocol},
                                      flow.state, flows_.ticks_left(flow) * FlowTable::tick);
    if (alias == nullptr) return;
    alias->aside = true;
    alias->vip = flow.vip;
    alias->port = flow.port;
    alias->server = flow.server;
    alias->client_ack = flows_.number_of(flow);
}

// It lives as long as its flow does.
void Forwarder::keep_alias(const Flow& flow) {
    Flow* const alias = find_alias(flow, flow.alias_port);
    if (alias == nullptr) return place_alias(flow);
    if (flow_of(*alias) == &flow)
        flows_.touch(*alias, flow.state, flows_.ticks_left(flow) * FlowTable::tick);
}

std::uint16_t Forwarder::paired_server(const Work& work, const PortRange& row) {
    if (!work.view->service->layer4.rtp_pairs) return no_server;
    const PacketView& packet = work.packet;
    const auto port = static_cast<std::uint16_t>(packet.destination_port | 1);
    const Flow* const pair =
        flows_.find({packet.source, port, protocol_pair},
                    [&](const Flow& one) { return one.aside && one.vip == row.value2; });
    return pair != nullptr && serves(pair->server) ? pair->server : no_server;
}

// Half-open, as one datagram is, until its second flow comes.
void Forwarder::remember_pair(const Flow& flow) {
    const auto life = servers_[flow.server].view->service->layer4.datagram;
    const ClientKey key{flow.client, static_cast<std::uint16_t>(flow.port | 1), protocol_pair};
    Flow* pair =
        flows_.find(key, [&](const Flow& one) { return one.aside && one.vip == flow.vip; });
    if (pair != nullptr) {
        flows_.touch(*pair, FlowState::datagrams, life);
    } else if (flows_.size() < flows_.flows_max()) {
        pair = flows_.insert(key, FlowState::single, life);
    }
    if (pair == nullptr) return;
    pair->aside = true;
    pair->vip = flow.vip;
    pair->server = flow.server;
}

}  // namespace poise::l4
