#include "pool/upstream_connections.hpp"

#include "pool/real_server.hpp"

#include <algorithm>
#include <cassert>
#include <unordered_set>

namespace poise::pool {

namespace {

constexpr std::chrono::milliseconds rate_window{2};
constexpr std::chrono::milliseconds rate_good_for{50};
// All of them within 4 ms: so quick is a server whose answers are ready, not one that works.
constexpr double brisk_per_ms = static_cast<double>(UpstreamConnections::enough) / 4;

}  // namespace

UpstreamConnections::Use::Use(Server* server) : server_(server) {
    if (server_ != nullptr) ++server_->busy;
}

UpstreamConnections::Use& UpstreamConnections::Use::operator=(Use&& other) noexcept {
    if (this != &other) {
        end();
        server_ = std::exchange(other.server_, nullptr);
    }
    return *this;
}

void UpstreamConnections::Use::end() {
    Server* server = std::exchange(server_, nullptr);
    if (server == nullptr) return;
    assert(server->busy > 0);
    --server->busy;
    if (server->busy < enough) server->line.call_next();
}

UpstreamConnections::~UpstreamConnections() {
    for (const auto& [key, server] : by_server_)
        assert(server->unused());
}

UpstreamConnections::Server* UpstreamConnections::find(const RealServer& server) {
    const auto found = by_server_.find(&server);
    return found == by_server_.end() ? nullptr : found->second.get();
}

std::unique_ptr<Stream> UpstreamConnections::take(const RealServer& server, bool from_line) {
    Server* known = find(server);
    if (known == nullptr || (!from_line && !known->line.empty())) return nullptr;
    auto& idle = known->idle;
    while (!idle.empty()) {
        Idle newest = std::move(idle.back());
        idle.pop_back();
        --size_;
        if (newest.stream->quiet() && newest.address_generation == server.address_generation())
            return std::move(newest.stream);
    }
    return nullptr;
}

void UpstreamConnections::put(const RealServer& server, std::unique_ptr<Stream> stream, Use use,
                              TimePoint now, std::chrono::milliseconds idle) {
    Server* known = find(server);
    if (known == nullptr || use.server_ != known) return;
    stream->want_nothing();
    if (!stream->quiet()) return;
    auto& kept = known->idle;
    if (kept.size() >= limits_.per_server || (size_ >= limits_.all && !kept.empty())) {
        kept.erase(kept.begin());
        --size_;
    }
    if (size_ >= limits_.all) return;
    ++size_;
    if (kept.size() >= settled) idle = std::min<std::chrono::milliseconds>(idle, surplus_limit);
    kept.push_back({std::move(stream), now + idle, server.address_generation()});
    known->note_return(now);
    // `use` ends here.
}

void UpstreamConnections::Server::note_return(TimePoint now) {
    ++returns;
    const auto counted = now - counted_since;
    if (counted < rate_window) return;
    returns_per_ms = returns / std::chrono::duration<double, std::milli>(counted).count();
    returns = 0;
    counted_since = now;
}

UpstreamConnections::Use UpstreamConnections::use(const RealServer& server) {
    return Use(find(server));
}

bool UpstreamConnections::crowded(const RealServer& server, TimePoint now, bool from_line) {
    const Server* known = find(server);
    if (known == nullptr) return false;
    const bool others_wait = !from_line && !known->line.empty();
    if (known->busy < enough && !others_wait) return false;
    return known->returns_per_ms >= brisk_per_ms && now - known->counted_since < rate_good_for;
}

WaitLine* UpstreamConnections::line(const RealServer& server) {
    Server* known = find(server);
    return known == nullptr ? nullptr : &known->line;
}

void UpstreamConnections::sweep(TimePoint now) {
    for (auto& [key, server] : by_server_)
        size_ -= std::erase_if(server->idle, [&](const Idle& one) {
            return one.expires <= now || !one.stream->quiet();
        });
    std::erase_if(gone_, [](const auto& server) { return server->unused(); });
}

void UpstreamConnections::serve(std::span<const RealServer* const> known) {
    const std::unordered_set<const RealServer*> wanted(known.begin(), known.end());
    for (auto entry = by_server_.begin(); entry != by_server_.end();) {
        if (wanted.contains(entry->first)) {
            ++entry;
            continue;
        }
        forget(*entry->second);
        entry->second->line.call_all();
        if (!entry->second->unused()) gone_.push_back(std::move(entry->second));
        entry = by_server_.erase(entry);
    }
    for (const RealServer* server : wanted)
        if (auto& entry = by_server_[server]; entry == nullptr) entry = std::make_unique<Server>();
}

void UpstreamConnections::clear() {
    for (auto& [key, server] : by_server_)
        forget(*server);
}

void UpstreamConnections::forget(Server& server) {
    size_ -= server.idle.size();
    server.idle.clear();
}

}  // namespace poise::pool
