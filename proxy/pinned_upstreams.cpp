#include "proxy/pinned_upstreams.hpp"

#include "proxy/service.hpp"
#include "proxy/worker.hpp"

#include <algorithm>
#include <utility>

namespace poise::proxy {

namespace {

bool serves(const Service& service, const pool::RealServer& server) {
    return std::ranges::any_of(service.pool->servers(),
                               [&](const auto& one) { return one.get() == &server; }) ||
           service.fallback_server.get() == &server;
}

}  // namespace

std::optional<PinnedUpstream> PinnedUpstreams::take(const Service& service) {
    const auto found = std::ranges::find_if(all_, [&](const PinnedUpstream& one) {
        return one.service->configured.name == service.configured.name;
    });
    if (found == all_.end()) return std::nullopt;
    PinnedUpstream pinned = std::move(*found);
    all_.erase(found);
    if (!serves(service, *pinned.server) || pinned.server->halted() || !pinned.stream->quiet())
        return std::nullopt;
    return pinned;
}

void PinnedUpstreams::put(PinnedUpstream pinned) {
    if (all_.size() == most) all_.erase(all_.begin());
    all_.push_back(std::move(pinned));
}

bool PinnedUpstreams::lost() const {
    return std::ranges::any_of(
        all_, [](const PinnedUpstream& one) { return one.authenticated && !one.stream->quiet(); });
}

void PinnedUpstreams::watch(Waiter& waiter) {
    for (const PinnedUpstream& one : all_)
        if (one.authenticated) one.stream->want(waiter, Direction::read);
}

}  // namespace poise::proxy
