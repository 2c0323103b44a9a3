// Whose turn it is among servers that are equally loaded: each as often as its weight says.
#pragma once

#include "pool/random.hpp"

#include <cassert>
#include <cstdint>

namespace poise::pool {

/// A server's place in the order of turns. It moves on by a step that is the shorter, the
/// heavier the server is; the one that is furthest behind is next.
struct FairTurn {
    std::uint64_t at = 0;
    std::uint64_t step = 0;

    /// A random start sets workers out of step.
    static FairTurn of_weight(std::uint32_t weight, Random& random) {
        assert(weight > 0);
        const std::uint64_t step = (std::uint64_t{1} << 32) / weight;
        return {.at = random.next() % step, .step = step};
    }

    /// Right also when `at` has wrapped around.
    bool before(const FairTurn& other) const {
        return static_cast<std::int64_t>(at - other.at) < 0;
    }
};

/// The moment of the turn that was taken last. Who has not been asked for long starts from here,
/// so that it does not make up for the time away in one burst.
class FairClock {
public:
    void take(FairTurn& turn) {
        if (static_cast<std::int64_t>(turn.at - now_) < 0) turn.at = now_;
        now_ = turn.at;
        turn.at += turn.step;
    }

    void reset() { now_ = 0; }

private:
    std::uint64_t now_ = 0;
};

}  // namespace poise::pool
