#include "app/latency_window.hpp"

#include <utility>

namespace poise::app {

ServiceLatency latency_of(const proxy::Service& service) {
    ServiceLatency sum;
    for (const auto& worker : service.counters) {
        worker->head_time.add_to(sum.head);
        worker->total_time.add_to(sum.total);
    }
    return sum;
}

void LatencyWindow::look(const proxy::Generation& generation, Time now) {
    if (!copies_.empty() && now - copies_.back().at < step) return;
    Copy copy{now, {}};
    for (const auto& service : generation.services)
        if (service->configured.protocol == config::Protocol::http)
            copy.services.emplace(service->configured.name, latency_of(*service));
    copies_.push_back(std::move(copy));
    if (copies_.size() > copies_max) copies_.pop_front();
}

ServiceLatency LatencyWindow::recent(const std::string& service, const ServiceLatency& all) const {
    if (copies_.empty()) return all;
    const auto& before = copies_.front().services;
    const auto known = before.find(service);
    if (known == before.end()) return all;
    return {all.head.since(known->second.head), all.total.since(known->second.total)};
}

}  // namespace poise::app
