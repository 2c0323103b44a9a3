// How long things took, counted by one thread and read by others: no lock, no allocation.
#pragma once

#include "base/counter.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace poise {

/// Bounds of the buckets: four for each doubling from 64 us to 67 s, one below and one above, so
/// that a percentile is never more than an eighth off.
class LatencyBuckets {
public:
    static constexpr unsigned first_bits = 6, last_bits = 26, parts_bits = 2;
    static constexpr std::size_t parts = std::size_t{1} << parts_bits;
    static constexpr std::size_t octaves = last_bits - first_bits;
    static constexpr std::size_t count = octaves * parts + 2;

    static constexpr std::size_t of(std::uint64_t us) {
        if (us < (std::uint64_t{1} << first_bits)) return 0;
        if (us >= (std::uint64_t{1} << last_bits)) return count - 1;
        const unsigned octave = static_cast<unsigned>(std::bit_width(us)) - 1;
        const std::size_t part = (us >> (octave - parts_bits)) & (parts - 1);
        return 1 + (octave - first_bits) * parts + part;
    }
    /// The first microsecond that is in a later bucket. Not for the last bucket, which has none.
    static constexpr std::uint64_t end(std::size_t bucket) {
        if (bucket == 0) return std::uint64_t{1} << first_bits;
        const std::size_t octave = (bucket - 1) / parts, part = (bucket - 1) % parts;
        return ((std::uint64_t{parts} + part + 1) << (octave + first_bits)) >> parts_bits;
    }
};

/// A copy of one or the sum of several histograms, as plain numbers.
struct LatencyCounts {
    std::array<std::uint64_t, LatencyBuckets::count> buckets{};
    std::uint64_t sum_us = 0;

    std::uint64_t total() const;
    /// What came since `earlier`, an older copy of the same histograms.
    LatencyCounts since(const LatencyCounts& earlier) const;
    /// The time that `part` (0 to 1) of all were within, in microseconds; 0 when there are none.
    std::uint64_t percentile_us(double part) const;

    bool operator==(const LatencyCounts&) const = default;
};

/// One writer, any readers.
class LatencyHistogram {
public:
    void add(std::chrono::microseconds taken) {
        const auto us = taken.count() < 0 ? 0 : static_cast<std::uint64_t>(taken.count());
        buckets_[LatencyBuckets::of(us)].add();
        sum_us_.add(us);
    }
    void add_to(LatencyCounts& counts) const {
        for (std::size_t i = 0; i < buckets_.size(); ++i)
            counts.buckets[i] += buckets_[i].value();
        counts.sum_us += sum_us_.value();
    }

private:
    std::array<Counter, LatencyBuckets::count> buckets_;
    Counter sum_us_;
};

}  // namespace poise
