// Whether this node can hold the floating addresses, from what its links and its kernel say. Pure.
#pragma once

#include "ha/beat.hpp"

#include <chrono>
#include <cstddef>

namespace poise::ha {

/// A missing or dead link is seen at any time. That the kernel refuses an address is seen only by
/// who holds it; so a node that had to let go is distrusted for a while, longer each time, and two
/// nodes whose kernels both refuse do not pass the addresses to and fro.
class Fitness {
public:
    static constexpr std::chrono::seconds distrust_first{60};
    static constexpr std::chrono::seconds distrust_max{600};
    static constexpr std::chrono::seconds trust_after{10};  // of holding them all
    static constexpr int refusals_min = 2;                  // in a row: one may be a full queue

    /// At each tick: for how many of the addresses the interface is there and up.
    void set_links(std::size_t usable, std::size_t all);
    /// The kernel was asked for all of them; `refused` of those with a link were not put in place.
    void held(std::size_t refused, Time now);
    /// Other addresses or settings: what was refused before says nothing of them.
    void forget();

    /// All of them can be held, as far as this node knows.
    bool fit(Time now) const { return usable_ == all_ && !distrusted(now); }
    /// At least one of them can.
    bool partly(Time now) const;
    /// An interface of one of them is there and up, whatever the kernel says.
    bool linked() const { return usable_ > 0; }
    bool distrusted(Time now) const { return now < until_; }
    /// Refused once: to be asked again at once.
    bool doubtful() const { return in_a_row_ > 0 && in_a_row_ < refusals_min; }

private:
    std::size_t usable_ = 0, all_ = 0;
    std::size_t refused_ = 0;  // the last time
    int in_a_row_ = 0;
    std::chrono::seconds distrust_ = distrust_first;  // the next one
    Time until_{}, good_since_{};                     // the epoch: not so
};

}  // namespace poise::ha
