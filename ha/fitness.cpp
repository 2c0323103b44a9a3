#include "ha/fitness.hpp"

#include <algorithm>
#include <cassert>

namespace poise::ha {

void Fitness::set_links(std::size_t usable, std::size_t all) {
    assert(usable <= all);
    if (usable != usable_) refused_ = 0;  // it was others that were refused
    usable_ = usable;
    all_ = all;
}

void Fitness::held(std::size_t refused, Time now) {
    if (refused == 0) {
        in_a_row_ = 0;
        if (good_since_ == Time{}) good_since_ = now;
        if (now - good_since_ < trust_after) return;
        until_ = {};
        distrust_ = distrust_first;
        return;
    }
    good_since_ = {};
    in_a_row_ = std::min(in_a_row_ + 1, refusals_min);
    if (in_a_row_ < refusals_min) return;
    refused_ = refused;
    if (!distrusted(now)) {
        until_ = now + distrust_;
        distrust_ = std::min(distrust_ * 2, distrust_max);
    } else {
        // It holds what it can, for the other node is no better.
        until_ = std::max(until_, now + distrust_first);
    }
}

void Fitness::forget() {
    in_a_row_ = 0;
    refused_ = 0;
    distrust_ = distrust_first;
    until_ = good_since_ = {};
}

bool Fitness::partly(Time now) const {
    return usable_ > (distrusted(now) ? refused_ : 0);
}

}  // namespace poise::ha
