// A number that one thread counts up and others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace poise {

/// One writer: adding is a load and a store, without a locked instruction. Any thread may read.
class Counter {
public:
    void add(std::uint64_t n = 1) { value_.store(value() + n, std::memory_order_relaxed); }
    void subtract(std::uint64_t n = 1) { value_.store(value() - n, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace poise
