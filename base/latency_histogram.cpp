#include "base/latency_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace poise {

std::uint64_t LatencyCounts::total() const {
    return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

LatencyCounts LatencyCounts::since(const LatencyCounts& earlier) const {
    LatencyCounts difference;
    // A service that went and came back has counted anew.
    const auto less = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
    for (std::size_t i = 0; i < buckets.size(); ++i)
        difference.buckets[i] = less(buckets[i], earlier.buckets[i]);
    difference.sum_us = less(sum_us, earlier.sum_us);
    return difference;
}

std::uint64_t LatencyCounts::percentile_us(double part) const {
    const std::uint64_t all = total();
    if (all == 0) return 0;
    const double wanted = part * static_cast<double>(all);
    double before = 0;
    std::size_t last = 0;  // that is not empty
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        const auto here = static_cast<double>(buckets[i]);
        if (here == 0) continue;
        last = i;
        if (before + here < wanted) {
            before += here;
            continue;
        }
        if (i == buckets.size() - 1) break;
        const double from = i == 0 ? 0 : static_cast<double>(LatencyBuckets::end(i - 1));
        const auto to = static_cast<double>(LatencyBuckets::end(i));
        return static_cast<std::uint64_t>(
            std::llround(from + (to - from) * (wanted - before) / here));
    }
    return LatencyBuckets::end(std::min(last, buckets.size() - 2));
}

}  // namespace poise
