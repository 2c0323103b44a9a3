#include "l4/flow_index.hpp"

#include <utility>

namespace poise::l4 {

bool FlowIndex::put(Slots& slots, Slot entry, std::size_t probes) {
    const std::size_t mask = slots.size() - 1;
    std::size_t i = entry.hash & mask;
    for (std::size_t probe = 0; probe < probes; ++probe, i = (i + 1) & mask) {
        if (slots[i].flow != no_flow) continue;
        slots[i] = entry;
        return true;
    }
    return false;
}

bool FlowIndex::insert(std::uint32_t hash, std::uint32_t flow) {
    assert(flow < moved);
    if (size_ + 1 > slots_.size() / 4 * 3) grow();
    move_some();
    if (!put(slots_, {hash, flow}, probes_max)) return false;
    ++size_;
    return true;
}

void FlowIndex::erase(std::uint32_t hash, std::uint32_t flow) {
    assert(size_ > 0);
    --size_;
    if (close_gap(slots_, hash, flow)) return;
    const std::size_t mask = older_.size() - 1;
    for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
        assert(older_[i].flow != no_flow);
        if (older_[i].flow != flow) continue;
        older_[i].flow = moved;
        return;
    }
}

// What follows the gap moves up unless it already stands where it belongs. False: not here.
bool FlowIndex::close_gap(Slots& slots, std::uint32_t hash, std::uint32_t flow) {
    const std::size_t mask = slots.size() - 1;
    std::size_t gap = hash & mask;
    for (; slots[gap].flow != flow; gap = (gap + 1) & mask)
        if (slots[gap].flow == no_flow) return false;
    for (std::size_t i = (gap + 1) & mask; slots[i].flow != no_flow; i = (i + 1) & mask) {
        const std::size_t home = slots[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask)) continue;
        slots[gap] = slots[i];
        gap = i;
    }
    slots[gap] = {};
    return true;
}

void FlowIndex::grow() {
    while (!older_.empty())
        move_some();
    older_ = std::exchange(slots_, Slots(slots_.size() * 2));
    moved_to_ = 0;
}

void FlowIndex::move_some() {
    if (older_.empty()) return;
    for (std::size_t i = 0; i < moves_per_insert && moved_to_ < older_.size(); ++i) {
        Slot& slot = older_[moved_to_++];
        if (slot.flow == no_flow || slot.flow == moved) continue;
        // They were few enough in the smaller one: nothing here may be refused.
        const bool fits = put(slots_, slot, slots_.size());
        assert(fits);
        slot.flow = moved;
    }
    if (moved_to_ == older_.size()) Slots().swap(older_);
}

}  // namespace poise::l4
