// Makes a generation's pool, taking over the servers that a reload has not changed.
#include "pool/pool.hpp"

#include <algorithm>

namespace poise::pool {

namespace {

ServerSettings settings_of(const config::Service& service) {
    const auto& health = service.health;
    const int fall = health.passive ? std::max(health.passive_fall, 0) : 0;
    return {.slow_start = service.slow_start,
            .passive_fall = static_cast<std::uint32_t>(fall),
            .has_check = health.check != config::CheckKind::none};
}

// The same machine and port: a run-time change of the rest does not make it another server.
// An address that was resolved while running is no part of the configuration.
bool same_server(const config::Server& a, const config::Server& b) {
    return a.name == b.name && a.host == b.host && a.port == b.port && a.address == b.address;
}

}  // namespace

Pool::Pool(const config::Service& service, const Pool* previous)
    : service_name_(service.name),
      algorithm_(service.scheduler),
      siblings_(previous ? previous->siblings_ : std::make_shared<Siblings>()) {
    const auto settings = settings_of(service);
    servers_.reserve(service.servers.size());
    for (const auto& configured : service.servers) {
        RealServer* known = previous ? previous->find(configured.name) : nullptr;
        if (known != nullptr && same_server(known->configured(), configured)) {
            known->reconfigure(configured, settings);
            servers_.push_back(known->shared_from_this());
        } else {
            servers_.push_back(std::make_shared<RealServer>(configured, settings, siblings_));
        }
        by_name_.push_back(servers_.back().get());
    }
    std::ranges::sort(by_name_, {}, &RealServer::name);
    siblings_->version.fetch_add(1, std::memory_order_release);
    const std::lock_guard lock(siblings_->mutex);
    siblings_->servers.assign(servers_.begin(), servers_.end());
}

RealServer* Pool::find(std::string_view server_name) const {
    const auto found = std::ranges::lower_bound(by_name_, server_name, {}, &RealServer::name);
    return found != by_name_.end() && (*found)->name() == server_name ? *found : nullptr;
}

}  // namespace poise::pool
