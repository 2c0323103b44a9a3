// The hash index of the flow table: from a hash to the number of a flow.
#pragma once

#include "l4/flow.hpp"
#include "l4/huge_pages.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace poise::l4 {

/// Open addressing with linear probing; removal closes the gap, so that no look-up walks over the
/// dead. It doubles when it is three quarters full, and moves a few entries with each insertion
/// rather than all at once.
class FlowIndex {
public:
    FlowIndex() : slots_(slots_min) {}

    /// The flow with this hash for which `is_it(flow)` holds; no_flow: there is none.
    template <typename IsIt>
    std::uint32_t find(std::uint32_t hash, const IsIt& is_it) const {
        const std::uint32_t found = find_in(slots_, hash, is_it);
        if (found != no_flow || older_.empty()) return found;
        return find_in(older_, hash, is_it);
    }

    /// Has the memory fetched that find() will look at.
    void expect(std::uint32_t hash) const {
        __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
        if (!older_.empty()) __builtin_prefetch(&older_[hash & (older_.size() - 1)]);
    }

    /// False: too many flows share this place. Who sends may choose ports, not the secret of the
    /// hash; so that is the client with the same port to many services.
    bool insert(std::uint32_t hash, std::uint32_t flow);
    void erase(std::uint32_t hash, std::uint32_t flow);

    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const { return (slots_.size() + older_.size()) * sizeof(Slot); }

private:
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t flow = no_flow;
    };
    using Slots = std::vector<Slot, HugePages<Slot>>;  // its size is a power of two

    static constexpr std::size_t slots_min = 1'024;
    static constexpr std::size_t probes_max = 256;
    static constexpr std::size_t moves_per_insert = 8;
    static constexpr std::uint32_t moved = UINT32_MAX - 1;  // an empty place that ends no walk

    template <typename IsIt>
    static std::uint32_t find_in(const Slots& slots, std::uint32_t hash, const IsIt& is_it) {
        const std::size_t mask = slots.size() - 1;
        for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
            const Slot& slot = slots[i];
            if (slot.flow == no_flow) return no_flow;
            if (slot.hash == hash && slot.flow != moved && is_it(slot.flow)) return slot.flow;
        }
    }
    static bool put(Slots& slots, Slot entry, std::size_t probes);
    static bool close_gap(Slots& slots, std::uint32_t hash, std::uint32_t flow);
    void grow();
    void move_some();

    Slots slots_;
    Slots older_;  // while growing: entries from `moved_to_` on are still to be moved
    std::size_t moved_to_ = 0;
    std::size_t size_ = 0;
};

}  // namespace poise::l4
