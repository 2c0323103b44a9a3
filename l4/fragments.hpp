// Where the first fragment of a datagram went: the others, which have no ports, follow it.
#pragma once

#include "base/hash.hpp"
#include "l4/packet.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace poise::l4 {

/// A table of a fixed size in which a newer datagram takes the place of an older one. One thread.
class Fragments {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t places = 4'096;     // a power of two
    static constexpr std::chrono::seconds life{30};  // RFC 8200: 60 s at most

    /// What happened to the first one, as the forwarder understands it.
    struct Fate {
        std::uint32_t flow = 0;
        std::uint32_t flow_hash = 0;  // that the flow is still the same
        bool to_server = true;
    };

    explicit Fragments(HashKey secret) : secret_(secret), entries_(places) {}

    void remember(const PacketView& first, Fate fate, Clock::time_point now);
    /// Null: the first fragment was not seen, or too long ago.
    const Fate* find(const PacketView& later, Clock::time_point now) const;

private:
    struct Entry {
        std::uint64_t key = 0;  // a hash of addresses, id and protocol; 0: free
        Clock::time_point expires;
        Fate fate;
    };

    std::uint64_t key_of(const PacketView& view) const;

    HashKey secret_;
    std::vector<Entry> entries_;
};

}  // namespace poise::l4
