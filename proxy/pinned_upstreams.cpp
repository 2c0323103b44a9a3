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

PinnedUpstreams::Loan::Loan(Loan&& other) noexcept
    : of_(std::exchange(other.of_, nullptr)), service_(std::move(other.service_)) {}

PinnedUpstreams::Loan& PinnedUpstreams::Loan::operator=(Loan&& other) noexcept {
    if (this == &other) return *this;
    end();
    of_ = std::exchange(other.of_, nullptr);
    service_ = std::move(other.service_);
    return *this;
}

void PinnedUpstreams::Loan::end() {
    if (of_ == nullptr) return;
    PinnedUpstreams& of = *std::exchange(of_, nullptr);
    const auto found = std::ranges::find(of.lent_, service_);
    if (found != of.lent_.end()) of.lent_.erase(found);
    of.line_.call_all();  // they may wait for different services
}

PinnedUpstreams::Loan PinnedUpstreams::lend(const Service& service) {
    lent_.push_back(service.configured.name);
    return {*this, service.configured.name};
}

bool PinnedUpstreams::is_lent(const Service& service) const {
    return !lent_.empty() && std::ranges::find(lent_, service.configured.name) != lent_.end();
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
