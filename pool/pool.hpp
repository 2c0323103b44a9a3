// The real servers of a service, shared by all workers, and each worker's way to choose one.
#pragma once

#include "config/model.hpp"
#include "pool/real_server.hpp"
#include "pool/scheduler.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace poise::pool {

/// Immutable but for its version. A reload makes a new one that shares unchanged RealServers.
class Pool {
public:
    /// Takes over from `previous` (may be null) each server whose configuration is equal or
    /// differs only in weight, max_connections or backup: counters, health and run-time state
    /// stay. The new weight and limits of such a server are in force at once, in both pools.
    Pool(const config::Service& service, const Pool* previous);

    const std::string& service_name() const { return service_name_; }
    const std::vector<std::shared_ptr<RealServer>>& servers() const { return servers_; }
    config::Algorithm algorithm() const { return algorithm_; }

    RealServer* find(std::string_view server_name) const;  // nullptr when unknown

    /// Rises whenever the set of candidates or a weight changes. One load. Acquires: what has
    /// changed before is seen after it.
    std::uint64_t version() const { return siblings_->version.load(std::memory_order_acquire); }
    /// When a connect to any of the servers failed last; 0: none ever. One load.
    SteadyTime connect_failed_at() const {
        return SteadyTime(
            SteadyTime::duration(siblings_->connect_failed_at.load(std::memory_order_relaxed)));
    }

private:
    std::string service_name_;
    config::Algorithm algorithm_;
    std::shared_ptr<Siblings> siblings_;  // handed on from generation to generation
    std::vector<std::shared_ptr<RealServer>> servers_;
    std::vector<RealServer*> by_name_;  // sorted
};

enum class PickFailure : std::uint8_t { none, no_server, all_full };

struct Picked {
    RealServer* server = nullptr;
    PickFailure failure = PickFailure::none;  // when server is null
};

/// A worker's view of a pool: candidates and a scheduler of its own, rebuilt when the pool's
/// version has changed. Backup servers are for when no other server is there, or all others have
/// failed in this exchange. As long as others can take the request, a server whose connect failed
/// last time is left out: for who has met one that failed already; for all others during a second,
/// once passive observation has counted enough, or does not count.
class Picker {
public:
    Picker(std::shared_ptr<const Pool> pool, std::uint64_t seed);

    static constexpr std::chrono::seconds left_out_for{1};

    /// Never blocks. all_full: waiting may help, for a candidate that was not tried is full.
    Picked pick(const PickHint& hint);

    const Pool& pool() const { return *pool_; }

private:
    void rebuild();
    bool leaves_out(const PickHint& hint) const;
    bool has_full(const PickHint& hint) const;
    RealServer* untried_backup(const PickHint& hint) const;

    std::shared_ptr<const Pool> pool_;
    std::unique_ptr<Scheduler> scheduler_;
    std::vector<RealServer*> all_;
    std::vector<RealServer*> candidates_;
    std::uint64_t version_ = 0;
};

}  // namespace poise::pool
