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

PinnedUpstreams::Kept& PinnedUpstreams::kept() {
    if (!kept_) kept_ = std::make_unique<Kept>();
    return *kept_;
}

std::optional<PinnedUpstream> PinnedUpstreams::take(const Service& service) {
    if (!kept_) return std::nullopt;
    auto& all = kept_->all;
    const auto found = std::ranges::find_if(all, [&](const PinnedUpstream& one) {
        return one.service->configured.name == service.configured.name;
    });
    if (found == all.end()) return std::nullopt;
    PinnedUpstream pinned = std::move(*found);
    all.erase(found);
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
    Kept& of = std::exchange(of_, nullptr)->kept();
    const auto found = std::ranges::find(of.lent, service_);
    if (found != of.lent.end()) of.lent.erase(found);
    of.line.call_all();  // they may wait for different services
}

PinnedUpstreams::Loan PinnedUpstreams::lend(const Service& service) {
    kept().lent.push_back(service.configured.name);
    return {*this, service.configured.name};
}

bool PinnedUpstreams::is_lent(const Service& service) const {
    if (!kept_) return false;
    return std::ranges::find(kept_->lent, service.configured.name) != kept_->lent.end();
}

void PinnedUpstreams::put(PinnedUpstream pinned) {
    auto& all = kept().all;
    if (all.size() == most) all.erase(all.begin());
    all.push_back(std::move(pinned));
}

bool PinnedUpstreams::lost() const {
    if (!kept_) return false;
    return std::ranges::any_of(kept_->all, [](const PinnedUpstream& one) {
        return one.authenticated && !one.stream->quiet();
    });
}

void PinnedUpstreams::watch(Waiter& waiter) {
    if (!kept_) return;
    for (const PinnedUpstream& one : kept_->all)
        if (one.authenticated) one.stream->want(waiter, Direction::read);
}

}  // namespace poise::proxy
