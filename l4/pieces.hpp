// IPv4 packets that a smaller network ahead gets in pieces, as any router hands them on (RFC 791).
// With IPv6, and where the sender says "do not fragment", it is told of the size instead.
#pragma once

#include "l4/answer.hpp"
#include "l4/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace poise::l4 {

/// How many pieces a network of `mtu` needs; 0: the packet must not be cut, or cannot be, since it
/// has options or is a super-packet. `frame` has been read as `view`.
std::size_t pieces_needed(std::span<const std::uint8_t> frame, const PacketView& view,
                          const Offload& offload, std::uint32_t mtu);

/// Cuts it into as many; `into` holds as many. A checksum that was left to the hardware is made
/// in `frame` before. Links are not set.
void cut(std::span<std::uint8_t> frame, const PacketView& view, const Offload& offload,
         std::uint32_t mtu, std::span<Answer> into);

}  // namespace poise::l4
