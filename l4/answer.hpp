// The few packets that layer 4 makes itself: a reset for a client whose server is gone, and the
// word that a packet is too big or has no time left.
#pragma once

#include "l4/packet.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace poise::l4 {

/// A frame with its link; `bytes` from `data` on are used.
struct Answer {
    static constexpr std::size_t bytes_max = ethernet_bytes + 1'280;  // every link takes it

    std::uint16_t link = 0;
    std::uint16_t bytes = 0;
    std::array<std::uint8_t, bytes_max> data{};

    std::span<const std::uint8_t> frame() const { return std::span(data).first(bytes); }
};

/// Who says what to whom in TCP.
struct Reset {
    Ip from{};
    Ip to{};
    std::uint16_t from_port = 0;
    std::uint16_t to_port = 0;
    std::uint32_t sequence = 0;  // what the receiver awaits next
    Mac mac_from{};
    Mac mac_to{};
};

/// A RST segment, complete with checksums.
void make_reset(const Reset& reset, Answer& into);

/// "Fragmentation needed" (RFC 1191) or "packet too big" (RFC 8201) about the packet `frame`, back
/// to where it came from. `mtu` is what would pass.
void make_too_big(std::span<const std::uint8_t> frame, const PacketView& view, std::uint32_t mtu,
                  Answer& into);

/// "Time exceeded in transit" (RFC 792, RFC 4443 section 3.3), likewise.
void make_time_exceeded(std::span<const std::uint8_t> frame, const PacketView& view, Answer& into);

}  // namespace poise::l4
