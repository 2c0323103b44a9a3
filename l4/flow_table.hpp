// All flows of one layer-4 thread: found from both directions, expiring, bounded.
#pragma once

#include "base/hash.hpp"
#include "l4/flow.hpp"
#include "l4/flow_index.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace poise::l4 {

/// Belongs to one thread. Nothing is allocated for a packet: flows stand in one piece of memory
/// whose pages the kernel gives when they are first used, and the index grows by doubling.
///
/// Flows whose client has sent one packet only (a SYN, a datagram) wait in queues of their own, in
/// the order of their age: when the table is full the oldest of those makes room, SYNs first, and
/// no established flow ever does.
class FlowTable {
public:
    using Clock = std::chrono::steady_clock;
    /// Called with each flow that ends by itself, before it is gone.
    using OnEnd = std::function<void(Flow&)>;

    static constexpr std::chrono::milliseconds tick{1'000};

    /// `flows_max` from 1 to 2^31. `secret` keeps who sends from choosing collisions. Throws
    /// std::bad_alloc when there is no address space.
    FlowTable(std::size_t flows_max, HashKey secret, OnEnd on_end);
    ~FlowTable();
    FlowTable(const FlowTable&) = delete;
    FlowTable& operator=(const FlowTable&) = delete;

    /// The flow of this client for which `is_it(const Flow&)` holds; null: none.
    template <typename IsIt>
    Flow* find(const ClientKey& key, const IsIt& is_it) {
        const std::uint32_t hash = hash_of(key);
        const std::uint32_t found = index_.find(hash, [&](std::uint32_t number) {
            const Flow& flow = flows_[number];
            return flow.client_port == key.client_port && flow.protocol == key.protocol &&
                   flow.client == key.client && is_it(flow);
        });
        return found == no_flow ? nullptr : &flows_[found];
    }

    std::uint32_t hash_of(const ClientKey& key) const;
    /// A flow of this hash will be looked for: first expect() for all of a batch, then
    /// expect_flow(), then find(). So their memory is fetched at the same time.
    void expect(std::uint32_t hash) const { index_.expect(hash); }
    void expect_flow(std::uint32_t hash) const {
        const std::uint32_t flow = index_.find(hash, [](std::uint32_t) { return true; });
        if (flow != no_flow) __builtin_prefetch(&flows_[flow], 1);
    }

    /// A flow that was noted by its number and hash; null: it has ended since.
    Flow* at(std::uint32_t number, std::uint32_t hash) {
        if (number >= high_water_) return nullptr;
        Flow& flow = flows_[number];
        return flow.used && flow.hash == hash ? &flow : nullptr;
    }
    std::uint32_t number_of(const Flow& flow) const {
        return static_cast<std::uint32_t>(&flow - flows_);
    }

    /// What is at this place now; null: none.
    Flow* at(std::uint32_t number) {
        return number < high_water_ && flows_[number].used ? &flows_[number] : nullptr;
    }

    /// A new flow that lives for `life`; null when there is no room and nobody to make some.
    /// Evicts the oldest half-open flow when the table is full.
    Flow* insert(const ClientKey& key, FlowState state, std::chrono::milliseconds life);

    /// From now on it lives for `life` in this state. In a new state it is to be told to the peer.
    void touch(Flow& flow, FlowState state, std::chrono::milliseconds life);

    /// Ends it; OnEnd is not called.
    void erase(Flow& flow);

    /// Advances the clock and ends what has expired, at most `flows_most` a call.
    void advance(Clock::time_point now, std::size_t flows_most = 65'536);

    /// Looks at `count` places of the table from `from` on and calls `visit(Flow&)` with each flow
    /// there, which it may erase. Returns where to go on; 0: the end was reached.
    template <typename Visit>
    std::size_t visit(std::size_t from, std::size_t count, const Visit& visit) {
        const std::size_t end = from + count < high_water_ ? from + count : high_water_;
        for (std::size_t i = from; i < end; ++i)
            if (flows_[i].used) visit(flows_[i]);
        return end == high_water_ ? 0 : end;
    }

    /// As visit(), for reading alone.
    template <typename Look>
    std::size_t look(std::size_t from, std::size_t count, const Look& look) const {
        const std::size_t end = from + count < high_water_ ? from + count : high_water_;
        for (std::size_t i = from; i < end; ++i)
            if (flows_[i].used) look(std::as_const(flows_[i]));
        return end == high_water_ ? 0 : end;
    }

    /// How long it has to live, in ticks, when nothing touches it.
    std::uint32_t ticks_left(const Flow& flow) const {
        return flow.expires > now_ ? flow.expires - now_ : 0;
    }
    /// Of the half-open ones, which are the first to be evicted.
    static bool is_half_open(const Flow& flow) {
        return flow.state == FlowState::opening || flow.state == FlowState::single;
    }

    std::size_t size() const { return index_.size(); }
    std::size_t half_open() const { return half_open_; }
    std::size_t flows_max() const { return flows_max_; }
    std::uint64_t evictions() const { return evictions_; }
    std::size_t memory_bytes() const { return high_water_ * sizeof(Flow) + index_.memory_bytes(); }

private:
    static constexpr std::uint16_t wheel_slots = 1'024;
    static constexpr std::uint16_t queue_opening = wheel_slots;  // by age, not by expiry
    static constexpr std::uint16_t queue_single = wheel_slots + 1;
    static constexpr std::uint16_t queue_count = wheel_slots + 2;

    struct Queue {
        std::uint32_t first = no_flow;
        std::uint32_t last = no_flow;
    };

    std::uint32_t ticks_of(std::chrono::milliseconds life) const;
    std::uint16_t queue_of(FlowState state, std::uint32_t expires) const;
    std::uint32_t take_free();
    bool evict();
    void end(Flow& flow);
    void append(std::uint16_t queue, Flow& flow);
    void unlink(Flow& flow);
    std::size_t run_slot(std::uint16_t slot, std::size_t flows_most);
    std::size_t run_aged(std::uint16_t queue, std::size_t flows_most);

    const std::size_t flows_max_;
    const HashKey secret_;
    OnEnd on_end_;
    void* mapped_ = nullptr;
    Flow* flows_ = nullptr;       // flows_max_ of them, within what is mapped, mostly untouched
    std::size_t high_water_ = 0;  // none beyond was ever used
    std::uint32_t free_ = no_flow;
    FlowIndex index_;
    std::array<Queue, queue_count> queues_{};
    std::size_t half_open_ = 0;
    std::uint64_t evictions_ = 0;
    std::uint32_t now_ = 0;   // ticks since began_
    std::uint32_t done_ = 0;  // ticks whose slots have been run
    Clock::time_point began_;
    bool started_ = false;
};

}  // namespace poise::l4
