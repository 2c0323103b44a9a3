// The fast path: a program in the kernel that changes and sends on packets of flows that have been
// decided on, so that they are neither copied nor wait for our thread. What the forwarder sees of
// it.
#pragma once

#include "l4/fast_places.hpp"
#include "l4/fast_way.h"

#include <cstdint>
#include <span>

namespace poise::l4 {

/// Used by all layer-4 threads.
class FastPath {
public:
    virtual ~FastPath() = default;

    /// Which of the ways are whose: place N has ways 2 N and 2 N + 1.
    virtual FastPlaces& places() = 0;
    /// Memory that the program reads and counts in: two a flow, one each direction.
    virtual std::span<poise_fast_way> ways() = 0;
    /// Shared with other threads: atomically.
    virtual poise_fast_state& state() = 0;

    /// Packets of `key` go by this way from now on. False: the kernel has no room.
    virtual bool put(const poise_fast_key& key, std::uint32_t way) = 0;
    virtual void remove(const poise_fast_key& key) = 0;
};

}  // namespace poise::l4
