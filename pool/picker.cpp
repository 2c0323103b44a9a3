// A worker's choice among the servers of a pool.
#include "pool/pool.hpp"
#include "pool/usable.hpp"

#include <algorithm>
#include <utility>

namespace poise::pool {

Picker::Picker(std::shared_ptr<const Pool> pool, std::uint64_t seed)
    : pool_(std::move(pool)), scheduler_(make_scheduler(pool_->algorithm(), seed)) {
    for (const auto& server : pool_->servers())
        all_.push_back(server.get());
    candidates_.reserve(all_.size());
    rebuild();
}

Picked Picker::pick(const PickHint& hint) {
    if (version_ != pool_->version()) rebuild();
    if (candidates_.empty()) return {nullptr, PickFailure::no_server};
    if (leaves_out(hint)) {
        PickHint sound = hint;
        sound.failed_after = hint.tried.empty() ? hint.now - left_out_for : SteadyTime{};
        if (RealServer* server = scheduler_->pick(sound)) return {server, PickFailure::none};
        // Who has met a dead one waits for a sound one sooner than to meet another.
        if (!hint.tried.empty() && has_full(sound)) return {nullptr, PickFailure::all_full};
    }
    if (RealServer* server = scheduler_->pick(hint)) return {server, PickFailure::none};
    if (has_full(hint)) return {nullptr, PickFailure::all_full};
    if (RealServer* backup = untried_backup(hint)) return {backup, PickFailure::none};
    return {nullptr, PickFailure::no_server};
}

bool Picker::leaves_out(const PickHint& hint) const {
    if (hint.now == SteadyTime{}) return false;
    return !hint.tried.empty() || pool_->connect_failed_at() > hint.now - left_out_for;
}

// A server that has failed is not worth the wait for a free place.
bool Picker::has_full(const PickHint& hint) const {
    return std::ranges::any_of(candidates_, [&](const RealServer* server) {
        return server->full() && !is_left_out(server, hint);
    });
}

// The others have failed in this exchange, but no check has noticed yet.
RealServer* Picker::untried_backup(const PickHint& hint) const {
    const auto found = std::ranges::find_if(all_, [&](const RealServer* server) {
        return server->backup() && server->may_take_new() && is_usable(server, hint);
    });
    return found == all_.end() ? nullptr : *found;
}

void Picker::rebuild() {
    // The version first: a change that comes during the rebuild causes another one.
    version_ = pool_->version();
    candidates_.clear();
    for (const bool backup : {false, true}) {
        if (!candidates_.empty()) break;
        for (RealServer* server : all_) {
            if (server->backup() == backup && server->may_take_new()) candidates_.push_back(server);
        }
    }
    scheduler_->prepare(all_, candidates_);
}

}  // namespace poise::pool
