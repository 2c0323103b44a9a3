// Who has lately asked for a floating address: bounded, the longest silent is forgotten first.
#pragma once

#include "ha/announcements.hpp"

#include <chrono>
#include <span>
#include <vector>

namespace poise::ha {

/// A standby hears the clients' questions too, for they are broadcast: so it knows on a takeover
/// whom to tell, though none of them has ever spoken to it.
class RecentNeighbours {
public:
    using Clock = std::chrono::steady_clock;

    /// Learns from a packet that asks for one of `addresses`.
    void heard(const NeighbourPacket& packet, std::span<const Address> addresses,
               Clock::time_point now);
    void note(const Neighbour& neighbour, Clock::time_point now);
    /// One whose hardware address may not be known: what is known already is kept.
    void add(const Neighbour& neighbour, Clock::time_point now);

    std::vector<Neighbour> all() const;

private:
    struct Entry {
        Neighbour neighbour;
        Clock::time_point last;
    };
    std::vector<Entry> entries_;  // at most neighbours_max
};

}  // namespace poise::ha
