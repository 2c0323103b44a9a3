// When to tell whom that the floating addresses are here: pure, events and time in, frames out.
#pragma once

#include "base/address.hpp"
#include "ha/neighbour_packet.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace poise::ha {

/// Somebody who sends to the floating addresses and must learn where they are now.
struct Neighbour {
    Address ip;               // its port is 0
    Mac mac = broadcast_mac;  // broadcast_mac: not known, so all are asked for him
};

/// Another host that says it has a floating address.
struct Conflict {
    Address address;
    Mac mac{};
    std::uint64_t claims = 0;  // heard so far
    std::chrono::steady_clock::time_point last;

    bool operator==(const Conflict&) const = default;
};

/// A floating address whose way a neighbour has not confirmed.
struct Unconfirmed {
    Address address;
    Address neighbour;

    bool operator==(const Unconfirmed&) const = default;
};

constexpr std::size_t neighbours_max = 256;     // an interface; who is above hears the broadcasts
constexpr std::size_t conflicts_max = 32;       // hosts that are remembered
constexpr std::size_t frames_a_call_max = 512;  // the rest follows with the next call

/// The announcements of one interface. A round announces each address to all (ARP request and
/// reply; neighbour advertisement), and asks each neighbour in the address's name, again at 10,
/// 50, 200 ms, 1, 2 and 5 s until he has answered: an answer proves that he sends to us. A round
/// begins with begin(), and every 30 s.
///
/// Who else claims an address is remembered as a conflict, and answered with an announcement at
/// most once in 10 s for each address (RFC 5227, 2.4 c).
class Announcements {
public:
    using Clock = std::chrono::steady_clock;

    explicit Announcements(const Mac& own) : own_(own) {}
    void set_own(const Mac& own) { own_ = own; }

    /// The floating addresses of the interface, and who is to know: asked from the next begin() or
    /// the next round on.
    void set_addresses(std::vector<Address> addresses);
    void set_neighbours(std::span<const Neighbour> neighbours);

    /// The addresses are ours now, or were all the time and communication is back: a round begins.
    void begin(Clock::time_point now);
    /// They are ours no more: silence.
    void end();
    bool active() const { return active_; }

    /// What is to be sent now.
    std::vector<Frame> due(Clock::time_point now);
    /// When to call due() again. Nothing: not before begin().
    std::optional<Clock::time_point> next() const;

    /// A packet that came in. True when it is a claim of another host that was not known before.
    bool heard(const NeighbourPacket& packet, Clock::time_point now);

    /// Who has not answered yet in this round.
    std::vector<Unconfirmed> unconfirmed() const;
    /// The other hosts of this time of ownership.
    const std::vector<Conflict>& conflicts() const { return conflicts_; }

private:
    // One neighbour and one address.
    struct Pair {
        std::size_t address;
        std::size_t neighbour;
        std::size_t asked = 0;  // how often: an index into the times of a round
        bool answered = false;
    };
    struct Defence {
        Address address;
        Clock::time_point last;
    };

    bool note_conflict(const Address& address, const Mac& mac, Clock::time_point now);
    void defend(const Address& address, Clock::time_point now);
    void announce_due(Clock::time_point now, std::vector<Frame>& frames);
    void ask_due(Clock::time_point now, std::vector<Frame>& frames);

    Mac own_;
    std::vector<Address> addresses_;
    std::vector<Neighbour> neighbours_;       // of this round
    std::vector<Neighbour> next_neighbours_;  // of the next
    bool active_ = false;
    Clock::time_point began_{};
    std::size_t announced_ = 0;  // how often in this round
    std::vector<Pair> pairs_;
    std::vector<Conflict> conflicts_;
    std::vector<Defence> defences_;
    std::vector<Frame> defence_frames_;
};

}  // namespace poise::ha
