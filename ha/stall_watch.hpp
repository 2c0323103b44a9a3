// Whether a counter stands still: pure, a reading and the time in, a verdict out.
#pragma once

#include <chrono>
#include <cstdint>

namespace poise::ha {

/// Begins with the first reading above 0. Who looks late must not blame the other for it: a gap
/// between two looks counts no more than twice the usual step.
class StallWatch {
public:
    using Clock = std::chrono::steady_clock;

    StallWatch(Clock::duration limit, Clock::duration step) : limit_(limit), step_(step) {}

    /// True when the counter has stood still for the limit, and until it moves.
    bool look(std::uint64_t progress, Clock::time_point now);

private:
    Clock::duration limit_, step_;
    Clock::duration still_{0};
    std::uint64_t progress_ = 0;
    Clock::time_point last_{};
};

}  // namespace poise::ha
