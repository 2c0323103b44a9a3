#include "persistence/table_shard.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>

namespace poise::persistence {

namespace {

bool expired(const Table::Entry& slot, Table::TimePoint now, Table::milliseconds timeout) {
    return now - slot.last_used > timeout;
}

// Maps 32 bits onto 0..count-1 evenly for any count; also, twice the count splits each bucket
// in two neighbours.
std::size_t scaled(std::uint64_t bits, std::size_t count) {
    return static_cast<std::size_t>(((bits & 0xffff'ffff) * count) >> 32);
}

}  // namespace

void TableShard::set_bound(std::size_t entries_max) {
    assert(entries_max > 0 && size_ == 0);
    bound_ = entries_max;
    // With an eighth more places than entries, two choices of eight hardly ever overflow.
    const std::size_t places = entries_max + entries_max / 8 + 1;
    const std::size_t buckets = (places + ways - 1) / ways;
    // All sizes on the way are halves of the bound, so that growing splits each bucket in two
    // and every entry finds a place again.
    const int doublings = std::max(0, static_cast<int>(std::bit_width(buckets)) - 4);
    buckets_first_ = ((buckets - 1) >> doublings) + 1;
    buckets_max_ = buckets_first_ << doublings;
}

std::array<std::size_t, 2> TableShard::buckets_of(const Key& key) const {
    return {scaled(key.low, buckets_.size()), scaled(key.low >> 32, buckets_.size())};
}

TableShard::Slot* TableShard::find_slot(const Key& key) {
    if (buckets_.empty()) return nullptr;
    for (const std::size_t bucket : buckets_of(key)) {
        for (Slot& slot : buckets_[bucket]) {
            if (slot.server != 0 && slot.key == key) return &slot;
        }
    }
    return nullptr;
}

void TableShard::release(Slot& slot) {
    assert(slot.server != 0);
    assert(size_ > 0);
    slot.server = 0;
    --size_;
}

std::optional<std::uint64_t> TableShard::find(const Key& key, TimePoint now, milliseconds timeout) {
    Slot* slot = find_slot(key);
    if (slot != nullptr && expired(*slot, now, timeout)) {
        release(*slot);
        ++counters_.expired;
        slot = nullptr;
    }
    if (slot == nullptr) {
        ++counters_.misses;
        return std::nullopt;
    }
    slot->last_used = std::max(slot->last_used, now);
    ++counters_.hits;
    return slot->server;
}

void TableShard::put(const Key& key, std::uint64_t server, TimePoint now, milliseconds timeout) {
    Slot* slot = find_slot(key);
    if (slot != nullptr) {
        slot->server = server;
        slot->last_used = std::max(slot->last_used, now);
        return;
    }
    slot = place_for(key, now, timeout);
    assert(slot->server == 0);
    *slot = {key, server, now};
    ++size_;
    ++counters_.inserts;
    assert(size_ <= bound_);
}

// The free place of the two buckets that is in the emptier one; nullptr when both are full. Drops
// what has expired.
TableShard::Slot* TableShard::free_place(const Key& key, TimePoint now, milliseconds timeout) {
    Slot* best = nullptr;
    std::size_t best_free = 0;
    for (const std::size_t bucket : buckets_of(key)) {
        Slot* free = nullptr;
        std::size_t count = 0;
        for (Slot& slot : buckets_[bucket]) {
            if (slot.server != 0 && expired(slot, now, timeout)) {
                release(slot);
                ++counters_.expired;
            }
            if (slot.server != 0) continue;
            free = &slot;
            ++count;
        }
        if (count <= best_free) continue;
        best = free;
        best_free = count;
    }
    return best;
}

// Makes a place free in the key's full buckets by moving one of their entries to its other
// bucket; nullptr when none can move. Without this some would be evicted at four fifths of the
// bound already.
TableShard::Slot* TableShard::place_by_move(const Key& key) {
    for (const std::size_t bucket : buckets_of(key)) {
        for (Slot& slot : buckets_[bucket]) {
            for (const std::size_t other : buckets_of(slot.key)) {
                if (other == bucket) continue;
                Bucket& bucket_there = buckets_[other];
                const auto free = std::ranges::find(bucket_there, 0u, &Slot::server);
                if (free == bucket_there.end()) continue;
                *free = slot;
                slot.server = 0;
                return &slot;
            }
        }
    }
    return nullptr;
}

// A free place, made so by what has expired, by growing, by moving another entry, or by the end
// of the least recently used one, in this order.
TableShard::Slot* TableShard::place_for(const Key& key, TimePoint now, milliseconds timeout) {
    if (buckets_.empty()) grow();
    Slot* place = free_place(key, now, timeout);
    while (place == nullptr && may_grow()) {
        grow();
        place = free_place(key, now, timeout);
    }
    if (place == nullptr && size_ < bound_) place = place_by_move(key);
    if (place != nullptr && size_ < bound_) return place;
    Slot* oldest = oldest_near(key);
    release(*oldest);
    ++counters_.evictions;
    // At the bound the evicted one may be elsewhere than the free place.
    return place != nullptr ? place : oldest;
}

// The least recently used of the key's two buckets; when they are empty (a table of a few
// entries), of the next bucket that is not.
TableShard::Slot* TableShard::oldest_near(const Key& key) {
    Slot* oldest = nullptr;
    const auto consider = [&](Bucket& bucket) {
        for (Slot& slot : bucket) {
            if (slot.server == 0) continue;
            if (oldest == nullptr || slot.last_used < oldest->last_used) oldest = &slot;
        }
    };
    const auto choices = buckets_of(key);
    for (const std::size_t bucket : choices)
        consider(buckets_[bucket]);
    for (std::size_t i = 1; oldest == nullptr && i < buckets_.size(); ++i) {
        consider(buckets_[(choices[0] + i) % buckets_.size()]);
    }
    assert(oldest != nullptr);
    return oldest;
}

void TableShard::grow() {
    assert(may_grow());
    std::vector<Bucket> old(std::max(buckets_.size() * 2, buckets_first_));
    old.swap(buckets_);
    size_ = 0;
    for (const Bucket& bucket : old) {
        for (const Slot& slot : bucket) {
            if (slot.server != 0) insert_grown(slot);
        }
    }
}

void TableShard::insert_grown(const Slot& slot) {
    Slot* best = nullptr;
    std::ptrdiff_t best_free = 0;
    for (const std::size_t index : buckets_of(slot.key)) {
        Bucket& bucket = buckets_[index];
        const auto is_free = [](const Slot& one) { return one.server == 0; };
        const auto free = std::count_if(bucket.begin(), bucket.end(), is_free);
        if (free <= best_free) continue;
        best_free = free;
        best = &*std::find_if(bucket.begin(), bucket.end(), is_free);
    }
    // Half of the places are free, so one in very many finds none.
    if (best == nullptr) {
        ++counters_.evictions;
        return;
    }
    *best = slot;
    ++size_;
}

bool TableShard::erase(const Key& key) {
    Slot* slot = find_slot(key);
    if (slot == nullptr) return false;
    release(*slot);
    return true;
}

std::size_t TableShard::erase_server(std::uint64_t server) {
    std::size_t erased = 0;
    for (Bucket& bucket : buckets_) {
        for (Slot& slot : bucket) {
            if (slot.server != server) continue;
            release(slot);
            ++erased;
        }
    }
    return erased;
}

TableShard::Swept TableShard::sweep(TimePoint now, milliseconds timeout, std::size_t from,
                                    std::size_t count) {
    Swept swept;
    const std::size_t slots = buckets_.size() * ways;
    for (; swept.looked_at < count && from + swept.looked_at < slots; ++swept.looked_at) {
        Slot& slot = slot_at(from + swept.looked_at);
        if (slot.server == 0 || !expired(slot, now, timeout)) continue;
        release(slot);
        ++swept.dropped;
        ++counters_.expired;
    }
    return swept;
}

void TableShard::copy_to(std::vector<Table::Entry>& entries, std::size_t count_max,
                         TimePoint since) const {
    for (const Bucket& bucket : buckets_) {
        for (const Slot& slot : bucket) {
            if (entries.size() >= count_max) return;
            if (slot.server != 0 && slot.last_used >= since) entries.push_back(slot);
        }
    }
}

std::size_t TableShard::memory_bytes() const {
    return buckets_.capacity() * sizeof(Bucket);
}

}  // namespace poise::persistence
