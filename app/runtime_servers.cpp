// What a Runtime knows of its servers and is ordered to do with them.
#include "app/runtime_impl.hpp"
#include "app/runtime_text.hpp"

#include <fmt/format.h>

namespace poise::app {

using Clock = std::chrono::steady_clock;

std::shared_ptr<pool::RealServer> Runtime::Impl::find(std::string_view service,
                                                      std::string_view server) {
    const proxy::Service* found = in_force->generation().find(service);
    pool::RealServer* const known = found == nullptr ? nullptr : found->pool->find(server);
    return known == nullptr ? nullptr : known->shared_from_this();
}

void Runtime::Impl::on_server_event(const pool::ServerEvent& event) {
    const std::string line = fmt::format("{}/{}: {}", event.service, event.server, event.text);
    event.bad ? log.warn(line) : log.info(line);
    const auto server = find(event.service, event.server);
    // Its clients are to find another one at once, and stay there.
    if (server && server->report().health == pool::Health::down) {
        in_force->forget_clients(event.service, event.server);
        workers->servers_lost();
        layer4->servers_lost();
    } else {
        workers->servers_won();
    }
    if (options.on_event) options.on_event(event);
}

bool Runtime::set_admin(std::string_view service, std::string_view server, pool::AdminState state) {
    const auto found = impl_->find(service, server);
    if (!found) return false;
    found->set_admin(state);
    impl_->log.info(fmt::format("{}/{}: {}, as ordered", service, server, word(state)));
    if (state == pool::AdminState::halt) {
        impl_->in_force->forget_clients(service, server);
        impl_->workers->servers_lost();
        impl_->layer4->servers_lost();
    } else {
        impl_->workers->servers_won();
    }
    return true;
}

bool Runtime::set_weight(std::string_view service, std::string_view server, std::uint32_t weight) {
    const auto found = impl_->find(service, server);
    if (!found) return false;
    found->set_weight(weight);
    impl_->workers->servers_won();
    impl_->log.info(fmt::format("{}/{}: weight {}, as ordered", service, server, weight));
    return true;
}

std::string Runtime::takeover(bool force) {
    if (!impl_->pair) return "there is no pair: node.yaml has no cluster";
    return impl_->pair->takeover(force);
}

std::string Runtime::standby() {
    if (!impl_->pair) return "there is no pair: node.yaml has no cluster";
    return impl_->pair->standby();
}

std::shared_ptr<FlowList> Runtime::list_flows(const admin::ListFilter& filter) {
    return impl_->layer4->list_flows(filter);
}

std::vector<CertificateStatus> Runtime::certificates() const {
    return impl_->in_force->tls().certificates();
}

std::vector<Dropped> Runtime::last_drops() const {
    return impl_->layer4->last_drops();
}

std::expected<PairSettings, std::string> Runtime::pair_settings() const {
    PairReplica* replica = impl_->pair ? impl_->pair->replica() : nullptr;
    if (replica == nullptr) return std::unexpected("there is no pair: node.yaml has no cluster");
    const ha::ReplicationStatus status = replica->status();
    PairSettings settings{.known = status.settings_known,
                          .verdict = status.settings,
                          .version = status.settings_version,
                          .problem = status.problem,
                          .ours = {},
                          .theirs = {}};
    PairReplica::Texts texts = replica->texts();
    settings.ours = std::move(texts.ours);
    settings.theirs = std::move(texts.theirs);
    return settings;
}

std::string Runtime::take_pair_settings() {
    PairReplica* replica = impl_->pair ? impl_->pair->replica() : nullptr;
    if (replica == nullptr) return "there is no pair: node.yaml has no cluster";
    return replica->take_theirs();
}

Status Runtime::status() const {
    Status status;
    status.node = impl_->options.node.name;
    status.version = version();
    status.uptime_s = std::chrono::duration<double>(Clock::now() - impl_->began).count();
    status.generation = generation().number;
    status.generations_ending = impl_->in_force->generations_ending();
    status.workers = impl_->workers->size();
    status.io = to_string(impl_->workers->io());
    for (unsigned i = 0; i < impl_->workers->size(); ++i) {
        status.worker_connections.push_back((*impl_->workers)[i].clients());
        status.connections += status.worker_connections.back();
    }
    const DoorCounts door = door_counts(*impl_->workers);
    status.refused_connections = door.refused_connections;
    status.accept_errors = door.accept_errors;
    status.incidents = incidents().total();
    if (impl_->pair) status.pair = impl_->pair->status();
    status.draining = impl_->stage == Impl::Stage::draining;
    status.layer4 = impl_->layer4->status();
    status.packets_dropped = impl_->layer4->drops();
    status.certificates = certificates();
    for (const auto& service : generation().services) {
        status.services.push_back(status_of(*service));
        ServiceStatus& added = status.services.back();
        impl_->layer4->add_counts(added);
        if (service->configured.protocol != config::Protocol::http) continue;
        const ServiceLatency all = latency_of(*service);
        const ServiceLatency minute = impl_->latency.recent(added.name, all);
        added.head_time = latency_status(all.head, minute.head);
        added.total_time = latency_status(all.total, minute.total);
    }
    return status;
}

}  // namespace poise::app
