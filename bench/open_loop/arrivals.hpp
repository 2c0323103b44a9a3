// When requests are due.
#pragma once

#include <chrono>
#include <random>

namespace poise::open_loop {

using Clock = std::chrono::steady_clock;

/// Moments as those at which many independent users come (a Poisson process): the same in each
/// run, so that what is compared had the same bursts.
class Arrivals {
public:
    Arrivals(unsigned rate, Clock::time_point began) : gap_(rate / 1e9), next_(began) { advance(); }

    Clock::time_point next() const { return next_; }
    void advance() { next_ += std::chrono::nanoseconds(static_cast<std::int64_t>(gap_(random_))); }

private:
    std::mt19937_64 random_;  // with its standard seed
    std::exponential_distribution<double> gap_;
    Clock::time_point next_;
};

}  // namespace poise::open_loop
