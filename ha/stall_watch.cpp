#include "ha/stall_watch.hpp"

#include <algorithm>

namespace poise::ha {

bool StallWatch::look(std::uint64_t progress, Clock::time_point now) {
    if (progress != progress_)
        still_ = Clock::duration{0};
    else if (progress != 0)
        still_ += std::min(now - last_, 2 * step_);
    progress_ = progress;
    last_ = now;
    return still_ >= limit_;
}

}  // namespace poise::ha
