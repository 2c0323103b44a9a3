// The forwarder's part in a pair: its flows for the peer, and the peer's flows taken over.
#include "l4/forwarder.hpp"
#include "l4/forwarder_parts.hpp"
#include "persistence/key.hpp"

#include <algorithm>
#include <utility>

namespace poise::l4 {

namespace {

// How much of each one call of exchange() does, so that packets do not wait for long.
constexpr int pieces_told = 4;
constexpr int pieces_adopted = 2;

}  // namespace

std::chrono::milliseconds life_of(FlowState state, const config::Layer4& layer4) {
    switch (state) {
        case FlowState::opening:
            return layer4.opening;
        case FlowState::established:
            return layer4.established;
        case FlowState::closing:
            return layer4.closing;
        case FlowState::single:
        case FlowState::datagrams:
            break;
    }
    return layer4.datagram;
}

// Numbers of servers are a node's own; the peer names them by service and name.
void Forwarder::note_servers() {
    servers_by_id_.clear();
    for (const auto& service : services_->services) {
        const auto note = [&](std::uint16_t number, std::string_view prefix) {
            Server& server = servers_[number];
            const std::string name = std::string(prefix) + server.server->name();
            server.id = persistence::server_id(service->name, name);
            servers_by_id_[server.id] = number;
        };
        for (const std::uint16_t number : service->servers)
            note(number, "");
        // It may be called as one of the others is, but no name has a space.
        if (service->fallback) note(*service->fallback, "fallback ");
    }
}

void Forwarder::exchange(FlowSync& sync, Clock::time_point now) {
    now_ = now;
    tell_flows(sync, now);
    if (!sync.has_adopted(thread_.number)) return;
    for (int i = 0; i < pieces_adopted; ++i) {
        const auto piece = sync.next_adopted(thread_.number);
        if (!piece) break;
        if (piece->sequence == 1)
            adopting_.complete = false;  // the peer begins anew
        else if (piece->sequence != adopting_.sequence + 1)
            ++adopting_.pieces_missed;
        for (const FlowRecord& record : piece->flows)
            adopt_flow(record);
        adopting_.sequence = piece->sequence;
        if (piece->kind == PieceKind::everything_ends) adopting_.complete = true;
    }
    sync.note_adopted(thread_.number, adopting_);
}

// Changes first, so that a large table does not hold them up; but it does come to its turn.
void Forwarder::tell_flows(FlowSync& sync, Clock::time_point now) {
    const std::uint32_t era = sync.era();
    if (era != told_era_) {
        told_era_ = era;
        FlowSync::listening(era) ? teller_.begin(flows_) : teller_.end(flows_);
    }
    if (!teller_.listening()) return;
    std::vector<FlowRecord> flows;
    const auto keep = [&](const Flow& flow) {
        if (servers_[flow.server].view != nullptr) flows.push_back(record_of(flow));
    };
    for (int i = 0; i < pieces_told && teller_.has_changes() && sync.has_room(); ++i) {
        const Clock::time_point since = teller_.since();
        teller_.take_changes(flows_, piece_flows_max, keep);
        sync.tell(era, PieceKind::changes, std::exchange(flows, {}), now, since);
    }
    for (int i = 0; i < pieces_told && teller_.is_going() && sync.has_room(); ++i) {
        const bool everything = teller_.is_telling_everything();
        const bool ends = teller_.go_through(flows_, keep);
        PieceKind kind = everything ? PieceKind::everything : PieceKind::changes;
        if (ends) kind = PieceKind::everything_ends;
        if (ends || !flows.empty()) sync.tell(era, kind, std::exchange(flows, {}), now, now);
    }
    sync.note_waiting(thread_.number, teller_.waiting(),
                      teller_.has_changes() ? teller_.since() : now, teller_.repairs());
}

FlowRecord Forwarder::record_of(const Flow& flow) const {
    return {.client = flow.client,
            .vip = services_->vips[flow.vip],
            .client_port = flow.client_port,
            .port = flow.port,
            .server = servers_[flow.server].id,
            .link = flow.link < links_.size() ? links_[flow.link].name : LinkName{},
            .client_mac = flow.client_mac,
            .protocol = flow.protocol,
            .state = flow.state,
            .fins = flow.fins,
            .answered = flow.answered,
            .client_ack = flow.client_ack,
            .alias_port = flow.alias_port,
            .life = flows_.ticks_left(flow) * FlowTable::tick};
}

// Who has seen a packet of the flow last knows it best; of a flow that no packet has come here for
// it is the peer.
void Forwarder::adopt_flow(const FlowRecord& record) {
    const PortRange* row = services_->by_destination.find(record.vip, record.protocol, record.port);
    if (row == nullptr) return void(++adopting_.no_service);
    const auto known = servers_by_id_.find(record.server);
    const View* const view = views_[row->value].get();
    if (known == servers_by_id_.end() || servers_[known->second].view != view)
        return void(++adopting_.no_server);
    const std::uint16_t server = known->second;
    const config::Layer4& layer4 = view->service->layer4;
    const auto life = std::min(record.life, life_of(record.state, layer4));
    const bool alone = record.protocol == protocol_udp && layer4.one_packet;
    const ClientKey key{record.client, record.client_port, record.protocol};
    Flow* flow = flows_.find(key, [&](const Flow& one) {
        return one.port == record.port && one.vip == row->value2 && !one.aside &&
               (!alone || one.server == server);
    });
    if (flow != nullptr && !flow->elsewhere && flows_.ticks_left(*flow) * FlowTable::tick >= life)
        return void(++adopting_.older);
    if (flow != nullptr && flow->server != server) {
        end_flow(*flow);
        flow = nullptr;
    }
    if (flow != nullptr) {
        ++adopting_.updated;
        flows_.touch(*flow, record.state, life);
        return update_flow(*flow, record);
    }
    flow = flows_.insert(key, record.state, life);
    if (flow == nullptr) return void(++adopting_.no_room);
    ++adopting_.adopted;
    flow->port = record.port;
    flow->vip = row->value2;
    flow->server = server;
    ++servers_[server].flows;
    servers_[server].counters->flows.add();
    // The connection is there, whatever the limit says.
    pool::ConnectionLease(*servers_[server].server).detach();
    update_flow(*flow, record);
}

void Forwarder::update_flow(Flow& flow, const FlowRecord& record) {
    end_fast(flow);
    flow.client_mac = record.client_mac;
    const auto link = std::ranges::find_if(
        links_, [&](const Link& one) { return one.index != 0 && one.name == record.link; });
    if (link == links_.end()) ++adopting_.link_unknown;
    flow.link =
        static_cast<std::uint16_t>(link == links_.end() ? UINT16_MAX : link - links_.begin());
    flow.client_ack = record.client_ack;
    flow.fins = record.fins;
    flow.answered = record.answered;
    flow.elsewhere = true;
    flow.told = flow.expires;  // who told us need not be told
    flow.alias_port = record.alias_port;
    if (flow.alias_port != 0) keep_alias(flow);
    if (servers_[flow.server].view->service->layer4.rtp_pairs) remember_pair(flow);
}

}  // namespace poise::l4
