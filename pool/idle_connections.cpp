#include "pool/idle_connections.hpp"

#include "pool/real_server.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace poise::pool {

std::unique_ptr<Stream> IdleConnections::take(const RealServer& server) {
    const auto found = by_server_.find(&server);
    if (found == by_server_.end()) return nullptr;
    auto& idle = found->second;
    while (!idle.empty()) {
        Idle newest = std::move(idle.back());
        idle.pop_back();
        if (newest.stream->quiet() && newest.address_generation == server.address_generation())
            return std::move(newest.stream);
    }
    return nullptr;
}

void IdleConnections::put(const RealServer& server, std::unique_ptr<Stream> stream, TimePoint now,
                          std::chrono::milliseconds idle) {
    stream->want_nothing();
    if (!stream->quiet()) return;
    const auto known = by_server_.find(&server);
    if (known == by_server_.end()) return;
    auto& kept = known->second;
    if (kept.size() >= per_server_max_) kept.erase(kept.begin());
    kept.push_back({std::move(stream), now + idle, server.address_generation()});
}

void IdleConnections::sweep(TimePoint now) {
    for (auto& [server, idle] : by_server_)
        std::erase_if(idle,
                      [&](const Idle& one) { return one.expires <= now || !one.stream->quiet(); });
}

void IdleConnections::serve(std::span<const RealServer* const> known) {
    const std::unordered_set<const RealServer*> wanted(known.begin(), known.end());
    std::erase_if(by_server_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const RealServer* server : wanted)
        by_server_.try_emplace(server);
}

std::size_t IdleConnections::size() const {
    std::size_t count = 0;
    for (const auto& entry : by_server_)
        count += entry.second.size();
    return count;
}

}  // namespace poise::pool
