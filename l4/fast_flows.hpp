// Which flows go by the fast path.
#pragma once

#include "l4/fast_path.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

namespace poise::l4 {

/// One direction: `way` without its counts and generation.
struct FastDirection {
    poise_fast_key key{};
    poise_fast_way way{};
};

/// What has passed since it was last asked for.
struct FastPassed {
    std::uint64_t packets_in = 0;  // from the client
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint32_t acknowledged = 0;  // tcp: by the client; 0: it has sent nothing

    bool any() const { return packets_in + packets_out != 0; }
};

/// Belongs to one layer-4 thread. Flows are known by their number in the flow table.
class FastFlows {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::milliseconds round{1'000};
    /// A flow that nothing passes for makes room for another one.
    static constexpr unsigned idle_rounds_max = 10;

    /// Null: there is none, and no flow goes by it.
    explicit FastFlows(FastPath* path);

    bool available() const { return path_ != nullptr; }
    std::size_t size() const { return slots_by_flow_.size(); }

    /// One or two directions, to the server first. False: there is no room; nothing has changed.
    bool add(std::uint32_t flow, std::span<const FastDirection> directions);
    /// The flow goes there no more.
    FastPassed remove(std::uint32_t flow);

    /// All that the program knows is void, at once, that of other threads, too: every packet comes
    /// to a forwarder, which gives flows their ways anew by renew().
    void invalidate();
    bool is_current(std::uint32_t flow) const;
    /// False: its packets are not those any more that add() was told of; nothing has changed.
    bool renew(std::uint32_t flow, std::span<const FastDirection> directions);

    /// Once each `round`, spread over its calls: tells what has passed, of each flow that something
    /// has passed for, and calls `idle` with each that is to be removed for it rests. Often.
    void look_around(Clock::time_point now,
                     const std::function<void(std::uint32_t, const FastPassed&)>& passed,
                     const std::function<void(std::uint32_t)>& idle);

private:
    struct Slot {
        std::uint32_t flow = 0;
        std::uint32_t place = 0;
        std::uint8_t directions = 0;  // 0: free
        std::uint8_t idle_rounds = 0;
        poise_fast_key keys[2]{};
    };

    std::uint32_t generation() const;
    void begin_round(Clock::time_point now);
    void look_at(std::size_t number,
                 const std::function<void(std::uint32_t, const FastPassed&)>& passed,
                 const std::function<void(std::uint32_t)>& idle);
    void set_ways(const Slot& slot, std::span<const FastDirection> directions);
    FastPassed take(const Slot& slot);
    static std::uint32_t way_number(const Slot& slot, std::size_t direction) {
        return slot.place * 2 + static_cast<std::uint32_t>(direction);
    }
    poise_fast_way& way(const Slot& slot, std::size_t direction) {
        return path_->ways()[way_number(slot, direction)];
    }

    FastPath* const path_;
    std::vector<Slot> slots_;                  // as many as were ever used
    std::vector<std::uint32_t> free_;          // of slots_
    std::vector<std::uint32_t> freed_;         // places, in this round, and the one before: the
    std::vector<std::uint32_t> freed_before_;  // program may still be at them
    std::unordered_map<std::uint32_t, std::uint32_t> slots_by_flow_;
    Clock::time_point looked_{};
    Clock::time_point round_ends_{};
    std::size_t look_at_ = SIZE_MAX;  // of slots_; from their end on the round is through
};

}  // namespace poise::l4
