#include "persistence/table.hpp"

#include "persistence/table_shard.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace poise::persistence {

namespace {

// A shard of about 4096 entries: few enough that growing or scanning one under its mutex takes
// tens of microseconds, and shards enough that workers seldom meet.
constexpr std::size_t entries_a_shard = 4'096;
constexpr std::size_t shards_max = 1'024;

std::size_t shards_for(std::size_t entries_max) {
    return std::bit_floor(std::clamp(entries_max / entries_a_shard, std::size_t{1}, shards_max));
}

}  // namespace

struct Table::Shard : TableShard {};

Table::Table(std::size_t entries_max, milliseconds timeout)
    : entries_max_(entries_max),
      shard_count_(shards_for(entries_max)),
      shards_(std::make_unique<Shard[]>(shard_count_)),
      timeout_ms_(timeout.count()) {
    assert(entries_max > 0);
    assert(timeout.count() >= 0);
    // The first shards take what the division leaves over, so that the bounds add up.
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::size_t share = entries_max / shard_count_;
        shards_[i].set_bound(share + (i < entries_max % shard_count_ ? 1 : 0));
    }
}

Table::~Table() = default;

Table::Shard& Table::shard_of(const Key& key) const {
    // The buckets use other bits of the key.
    return shards_[key.high & (shard_count_ - 1)];
}

std::optional<std::uint64_t> Table::find(const Key& key, TimePoint now) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    return shard.find(key, now, timeout());
}

void Table::put(const Key& key, std::uint64_t server, TimePoint now) {
    assert(server != 0);
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    shard.put(key, server, now, timeout());
}

bool Table::erase(const Key& key) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    return shard.erase(key);
}

std::size_t Table::erase_server(std::uint64_t server) {
    assert(server != 0);
    std::size_t erased = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        erased += shards_[i].erase_server(server);
    }
    return erased;
}

std::size_t Table::sweep(TimePoint now, std::size_t slots_max) {
    // Bounds the time for which one shard is held.
    constexpr std::size_t slots_a_lock = 1'024;
    const std::lock_guard sweep_lock(sweep_mutex_);
    std::size_t dropped = 0;
    std::size_t looked_at = 0;
    for (std::size_t turns = 0; looked_at < slots_max && turns <= shard_count_;) {
        Shard& shard = shards_[sweep_shard_];
        const std::lock_guard lock(shard.mutex);
        const std::size_t count = std::min(slots_a_lock, slots_max - looked_at);
        const auto swept = shard.sweep(now, timeout(), sweep_slot_, count);
        dropped += swept.dropped;
        looked_at += swept.looked_at;
        sweep_slot_ += swept.looked_at;
        if (swept.looked_at < count) {  // the shard's end
            sweep_slot_ = 0;
            sweep_shard_ = (sweep_shard_ + 1) & (shard_count_ - 1);
            ++turns;
        }
    }
    return dropped;
}

std::size_t Table::size() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        sum += shards_[i].size();
    }
    return sum;
}

std::size_t Table::memory_bytes() const {
    std::size_t sum = sizeof *this + shard_count_ * sizeof(Shard);
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        sum += shards_[i].memory_bytes();
    }
    return sum;
}

Table::Counters Table::counters() const {
    Counters sum;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        const Counters& one = shards_[i].counters();
        sum.hits += one.hits;
        sum.misses += one.misses;
        sum.inserts += one.inserts;
        sum.evictions += one.evictions;
        sum.expired += one.expired;
    }
    return sum;
}

std::vector<Table::Entry> Table::snapshot(std::size_t count_max, TimePoint since) const {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < shard_count_ && entries.size() < count_max; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        shards_[i].copy_to(entries, count_max, since);
    }
    return entries;
}

}  // namespace poise::persistence
