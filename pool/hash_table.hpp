// A table from hash to server in which each has its share and, from one table to the next, keeps
// most of its places (Maglev: Eisenbud and others, NSDI 2016, section 3.4).
#pragma once

#include "pool/random.hpp"
#include "pool/usable.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace poise::pool {

struct TableEntry {
    RealServer* server;
    std::uint32_t weight;

    bool operator==(const TableEntry&) const = default;
};

class HashTable {
public:
    /// Depends on names, ports and weights alone: the same in all workers and on both nodes.
    /// Entries of weight 0 get no place; with none above it the table is empty.
    void build(std::span<const TableEntry> entries);
    void clear() { slots_.clear(); }
    bool empty() const { return slots_.empty(); }

    /// The server of `hash`; when `usable` refuses it, others in an order that `hash` alone
    /// decides. nullptr when there is none.
    template <typename Usable>
    RealServer* find(std::uint64_t hash, Usable&& usable) const;

private:
    RealServer* at(std::uint64_t hash) const {
        // The product's upper half is hash scaled to the table: no division.
        const auto scaled = ((hash >> 32) * slots_.size()) >> 32;
        return servers_[slots_[scaled]];
    }

    std::vector<RealServer*> servers_;
    std::vector<std::uint32_t> slots_;  // indices into servers_
};

template <typename Usable>
RealServer* HashTable::find(std::uint64_t hash, Usable&& usable) const {
    if (slots_.empty()) return nullptr;
    hash = mixed(hash);
    // A handful of further tries finds a server while about half of them can serve.
    constexpr int tries_max = 8;
    for (int tries = 0; tries < tries_max; ++tries) {
        RealServer* server = at(hash);
        if (usable(server)) return server;
        hash = mixed(hash + 0x9e3779b97f4a7c15ULL);
    }
    const std::size_t count = servers_.size();
    for (std::size_t seen = 0, i = hash % count; seen < count; ++seen) {
        if (usable(servers_[i])) return servers_[i];
        if (++i == count) i = 0;
    }
    return nullptr;
}

}  // namespace poise::pool
