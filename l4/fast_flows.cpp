#include "l4/fast_flows.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <type_traits>
#include <utility>

namespace poise::l4 {

namespace {

constexpr std::size_t steps_a_round = 10;

// The program adds to them all the while.
std::uint64_t taken(__u64& count) {
    return std::atomic_ref<__u64>(count).exchange(0, std::memory_order_relaxed);
}

bool same(const poise_fast_key& a, const poise_fast_key& b) {
    static_assert(std::has_unique_object_representations_v<poise_fast_key>);
    return std::memcmp(&a, &b, sizeof a) == 0;
}

std::atomic_ref<__u32> generation_of(poise_fast_way& way) {
    return std::atomic_ref<__u32>(way.generation);
}

}  // namespace

std::uint32_t FastFlows::generation() const {
    return std::atomic_ref<__u32>(path_->state().generation).load();
}

FastFlows::FastFlows(FastPath* path) : path_(path) {
    if (path_ != nullptr) invalidate();
}

bool FastFlows::add(std::uint32_t flow, std::span<const FastDirection> directions) {
    assert(directions.size() == 1 || directions.size() == 2);
    assert(!slots_by_flow_.contains(flow));
    const auto place = path_->places().take();
    if (!place) return false;
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t number = free_.back();
    Slot& slot = slots_[number];
    slot.place = *place;
    slot.directions = 2;
    take(slot);  // what packets of its last flow have still counted
    set_ways(slot, directions);
    for (std::size_t i = 0; i < directions.size(); ++i) {
        slot.keys[i] = directions[i].key;
        if (path_->put(slot.keys[i], way_number(slot, i))) continue;
        if (i == 1) path_->remove(slot.keys[0]);
        freed_.push_back(*place);
        slot.directions = 0;
        return false;
    }
    free_.pop_back();
    slot.flow = flow;
    slot.directions = static_cast<std::uint8_t>(directions.size());
    slot.idle_rounds = 0;
    slots_by_flow_.emplace(flow, number);
    return true;
}

FastPassed FastFlows::remove(std::uint32_t flow) {
    const auto found = slots_by_flow_.find(flow);
    assert(found != slots_by_flow_.end());
    const std::uint32_t number = found->second;
    slots_by_flow_.erase(found);
    Slot& slot = slots_[number];
    for (std::size_t i = 0; i < slot.directions; ++i)
        path_->remove(slot.keys[i]);
    const FastPassed passed = take(slot);
    slot.directions = 0;
    free_.push_back(number);
    freed_.push_back(slot.place);
    return passed;
}

void FastFlows::invalidate() {
    if (path_ == nullptr) return;
    // Other threads do so, too.
    std::atomic_ref<__u32> generation(path_->state().generation);
    if (++generation == 0) ++generation;
}

bool FastFlows::is_current(std::uint32_t flow) const {
    const auto found = slots_by_flow_.find(flow);
    assert(found != slots_by_flow_.end());
    return path_->ways()[way_number(slots_[found->second], 0)].generation == generation();
}

bool FastFlows::renew(std::uint32_t flow, std::span<const FastDirection> directions) {
    const auto found = slots_by_flow_.find(flow);
    assert(found != slots_by_flow_.end());
    const Slot& slot = slots_[found->second];
    if (slot.directions != directions.size()) return false;
    for (std::size_t i = 0; i < directions.size(); ++i)
        if (!same(slot.keys[i], directions[i].key)) return false;
    set_ways(slot, directions);
    return true;
}

// Void while it is written. What was counted stays.
void FastFlows::set_ways(const Slot& slot, std::span<const FastDirection> directions) {
    for (std::size_t i = 0; i < directions.size(); ++i) {
        poise_fast_way& to = way(slot, i);
        const poise_fast_way& from = directions[i].way;
        generation_of(to).store(0);
        to.interface = from.interface;
        to.from_interface = from.from_interface;
        std::ranges::copy(from.macs, to.macs);
        std::ranges::copy(from.address, to.address);
        std::ranges::copy(from.from_mac, to.from_mac);
        to.port = from.port;
        to.mtu = from.mtu;
        to.flags = from.flags;
        to.address_delta = from.address_delta;
        generation_of(to).store(generation());
    }
}

FastPassed FastFlows::take(const Slot& slot) {
    poise_fast_way& in = way(slot, 0);
    FastPassed passed{
        .packets_in = taken(in.packets),
        .bytes_in = taken(in.bytes),
        .acknowledged =
            std::atomic_ref<__u32>(in.acknowledged).exchange(0, std::memory_order_relaxed)};
    if (slot.directions < 2) return passed;
    poise_fast_way& out = way(slot, 1);
    passed.packets_out = taken(out.packets);
    passed.bytes_out = taken(out.bytes);
    return passed;
}

void FastFlows::look_around(Clock::time_point now,
                            const std::function<void(std::uint32_t, const FastPassed&)>& passed,
                            const std::function<void(std::uint32_t)>& idle) {
    if (now - looked_ < round / steps_a_round) return;
    looked_ = now;
    if (look_at_ >= slots_.size()) {
        if (now < round_ends_) return;
        begin_round(now);
    }
    const std::size_t step = slots_.size() / steps_a_round + 1;
    const std::size_t end = std::min(look_at_ + step, slots_.size());
    for (; look_at_ < end; ++look_at_)
        look_at(look_at_, passed, idle);
}

void FastFlows::begin_round(Clock::time_point now) {
    look_at_ = 0;
    round_ends_ = now + round;
    for (const std::uint32_t place : freed_before_)
        path_->places().give_back(place);
    freed_before_ = std::exchange(freed_, {});
}

void FastFlows::look_at(std::size_t number,
                        const std::function<void(std::uint32_t, const FastPassed&)>& passed,
                        const std::function<void(std::uint32_t)>& idle) {
    Slot& slot = slots_[number];
    if (slot.directions == 0) return;
    const FastPassed seen = take(slot);
    if (seen.any()) {
        slot.idle_rounds = 0;
        passed(slot.flow, seen);
    } else if (++slot.idle_rounds >= idle_rounds_max) {
        idle(slot.flow);
    }
}

}  // namespace poise::l4
