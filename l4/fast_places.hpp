// The places of flows on the fast path, which all layer-4 threads take from.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace poise::l4 {

/// Any thread.
class FastPlaces {
public:
    /// Places 0 to `count` - 1, all of them free.
    explicit FastPlaces(std::uint32_t count) : count_(count), left_(count) {}

    /// nullopt: all are taken, which costs no more than a load.
    std::optional<std::uint32_t> take() {
        if (left_.load(std::memory_order_relaxed) == 0) return std::nullopt;
        const std::lock_guard lock(mutex_);
        if (!given_back_.empty()) {
            const std::uint32_t place = given_back_.back();
            given_back_.pop_back();
            --left_;
            return place;
        }
        if (next_ == count_) return std::nullopt;
        --left_;
        return next_++;
    }
    void give_back(std::uint32_t place) {
        const std::lock_guard lock(mutex_);
        assert(place < next_);
        given_back_.push_back(place);
        ++left_;
    }

private:
    const std::uint32_t count_;
    std::atomic<std::uint32_t> left_;
    std::mutex mutex_;        // guards those below
    std::uint32_t next_ = 0;  // those from here on were never taken
    std::vector<std::uint32_t> given_back_;
};

}  // namespace poise::l4
