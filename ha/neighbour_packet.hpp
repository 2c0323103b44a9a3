// ARP and neighbour discovery as frames of an Ethernet: made, and taken apart within bounds.
// RFC 826, RFC 5227 (ARP announcements), RFC 4861 (neighbour discovery).
#pragma once

#include "base/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace poise::ha {

using Mac = std::array<std::uint8_t, 6>;
constexpr Mac broadcast_mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// "02:00:5e:10:00:01"
std::string to_string(const Mac& mac);

constexpr std::size_t frame_bytes_max = 86;  // a neighbour advertisement with one option

struct Frame {
    std::array<std::byte, frame_bytes_max> storage{};
    std::size_t size = 0;

    std::span<const std::byte> bytes() const { return std::span(storage).first(size); }
};

/// Tells all of the segment that `ip` is at `mac`: for IPv4 an ARP request or, with `as_answer`,
/// a reply, for some systems learn of one kind only; for IPv6 a neighbour advertisement that
/// overrides what is known.
Frame make_announcement(const Address& ip, const Mac& mac, bool as_answer);

/// Asks one neighbour in the name of `ip`: it has to note our `mac` for the answer. `to` may be
/// broadcast_mac when the neighbour's own is not known.
Frame make_question(const Address& ip, const Mac& mac, const Address& neighbour, const Mac& to);

/// What a frame says of an address.
struct NeighbourPacket {
    enum class Kind : std::uint8_t {
        question,  // ARP request, neighbour solicitation
        answer     // ARP reply, neighbour advertisement
    };
    Kind kind = Kind::question;
    Address sender;  // who says that he has this address; any: a probe or DAD
    Address target;  // whom the question is about, to whom the answer goes
    Mac mac{};       // where `sender` says that he is; with a probe the frame's source

    bool operator==(const NeighbourPacket&) const = default;
};

/// Nothing when it is no such packet, is cut, or contradicts the RFCs.
std::optional<NeighbourPacket> parse_neighbour_packet(std::span<const std::byte> frame);

}  // namespace poise::ha
