// Which server a client was given: bounded, expiring, shared by all workers.
#pragma once

#include "persistence/key.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace poise::persistence {

/// One table a service. Sharded by key; a shard's mutex is held for one look-up (or, rarely, for
/// the growth of that shard). Each key may live in either of two buckets of eight; when both are
/// full and the table has grown to its bound, the least recently used of the sixteen goes. The
/// memory grows in steps with the number of entries. Any thread may call anything. Clocks of
/// callers may differ by a little: an entry's time of last use never goes back.
class Table {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using milliseconds = std::chrono::milliseconds;

    struct Entry {
        Key key;
        std::uint64_t server = 0;  // server_id()
        TimePoint last_used;
    };

    struct Counters {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;     // expired ones included
        std::uint64_t inserts = 0;    // new keys
        std::uint64_t evictions = 0;  // entries that still were good, but the table was full
        std::uint64_t expired = 0;
    };

    /// `entries_max` at least 1. Entries live for `timeout` after their last use.
    Table(std::size_t entries_max, milliseconds timeout);
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    /// The server of `key`, whose last use is now; nullopt when unknown or expired.
    std::optional<std::uint64_t> find(const Key& key, TimePoint now);

    /// Sets the server of `key`; `server` is not 0.
    void put(const Key& key, std::uint64_t server, TimePoint now);

    bool erase(const Key& key);

    /// Forgets all clients of a dead server; returns how many. Shard by shard, so that workers
    /// wait for a part of the work only.
    std::size_t erase_server(std::uint64_t server);

    /// Looks at up to `slots_max` places, going on where the last sweep stopped, and drops what
    /// has expired; returns how many. Call now and then: expired entries hold memory only.
    std::size_t sweep(TimePoint now, std::size_t slots_max = 8'192);

    /// For a reload; takes effect at the next look at an entry.
    void set_timeout(milliseconds timeout) { timeout_ms_.store(timeout.count(), relaxed); }
    milliseconds timeout() const { return milliseconds{timeout_ms_.load(relaxed)}; }

    std::size_t size() const;  // expired but unswept ones included
    std::size_t entries_max() const { return entries_max_; }
    std::size_t memory_bytes() const;
    Counters counters() const;

    /// A copy of up to `entries_max` entries in no order, shard by shard: for status and for
    /// filling the peer or a table of another size. Only those that were used at `since` or later.
    std::vector<Entry> snapshot(std::size_t count_max = SIZE_MAX,
                                TimePoint since = TimePoint::min()) const;

private:
    struct Shard;
    static constexpr auto relaxed = std::memory_order_relaxed;

    Shard& shard_of(const Key& key) const;

    std::size_t entries_max_;
    std::size_t shard_count_;  // a power of two
    std::unique_ptr<Shard[]> shards_;
    std::atomic<std::int64_t> timeout_ms_;

    std::mutex sweep_mutex_;  // guards where the sweep stands
    std::size_t sweep_shard_ = 0;
    std::size_t sweep_slot_ = 0;
};

}  // namespace poise::persistence
