// One shard of a persistence table: buckets of eight entries, two choices a key. For table.cpp.
#pragma once

#include "persistence/table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace poise::persistence {

/// The caller holds `mutex` for every call.
class alignas(64) TableShard {
public:
    using TimePoint = Table::TimePoint;
    using milliseconds = Table::milliseconds;

    std::mutex mutex;

    void set_bound(std::size_t entries_max);

    std::optional<std::uint64_t> find(const Key& key, TimePoint now, milliseconds timeout);
    void put(const Key& key, std::uint64_t server, TimePoint now, milliseconds timeout);
    bool erase(const Key& key);
    std::size_t erase_server(std::uint64_t server);

    struct Swept {
        std::size_t dropped = 0;
        std::size_t looked_at = 0;  // less than asked for: the shard's end was reached
    };
    Swept sweep(TimePoint now, milliseconds timeout, std::size_t from, std::size_t count);

    void copy_to(std::vector<Table::Entry>& entries, std::size_t count_max, TimePoint since) const;

    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const;
    const Table::Counters& counters() const { return counters_; }

private:
    static constexpr std::size_t ways = 8;
    using Slot = Table::Entry;  // server 0: free
    using Bucket = std::array<Slot, ways>;

    std::array<std::size_t, 2> buckets_of(const Key& key) const;
    Slot* find_slot(const Key& key);
    Slot* place_for(const Key& key, TimePoint now, milliseconds timeout);
    Slot* free_place(const Key& key, TimePoint now, milliseconds timeout);
    Slot* place_by_move(const Key& key);
    Slot* oldest_near(const Key& key);
    bool may_grow() const { return buckets_.size() < buckets_max_; }
    void grow();
    void insert_grown(const Slot& slot);
    void release(Slot& slot);
    Slot& slot_at(std::size_t index) { return buckets_[index / ways][index % ways]; }

    std::vector<Bucket> buckets_;
    std::size_t buckets_first_ = 0;  // how many there are at first: 1 to 15
    std::size_t buckets_max_ = 0;
    std::size_t bound_ = 0;
    std::size_t size_ = 0;
    Table::Counters counters_;
};

}  // namespace poise::persistence
