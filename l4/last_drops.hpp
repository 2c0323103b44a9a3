// The last packets that were not sent on, a few of each reason: examples for `poise why`.
#pragma once

#include "base/address.hpp"
#include "l4/drop_reason.hpp"
#include "l4/packet.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace poise::l4 {

struct DroppedPacket {
    std::chrono::steady_clock::time_point at;
    Drop reason = Drop::none;
    std::uint16_t server = UINT16_MAX;  // of Services::servers; UINT16_MAX: none was chosen
    Address client;                     // whose flow it is; of no address: that is not known
    PacketView packet;                  // as it came; of a broken one only the addresses
    std::uint32_t packets = 1;          // that were lost together
};

/// What is known of a frame that could not be read.
DroppedPacket broken_packet(std::span<const std::uint8_t> frame, Drop reason);

/// What it was, for people: "TCP SYN of 40 bytes from 192.0.2.1:40000 to 10.0.0.100:80".
std::string to_text(const DroppedPacket& dropped);

/// One layer-4 thread writes, any thread reads. A flood of drops costs a comparison each.
class LastDrops {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t kept = 4;  // of each reason, so that none displaces another
    static constexpr std::chrono::milliseconds pause{100};  // between two of a reason

    /// Whether an example of this reason is due.
    bool wants(Drop reason, Time now) const {
        return now >= next_[static_cast<std::size_t>(reason)];
    }
    /// Never waits: while somebody reads, it is left out.
    void add(const DroppedPacket& dropped);

    /// The newest first.
    std::vector<DroppedPacket> all() const;

private:
    struct Ring {
        std::array<DroppedPacket, kept> last;
        std::size_t added = 0;
    };
    static constexpr std::size_t reasons = static_cast<std::size_t>(Drop::count_);

    std::array<Time, reasons> next_{};  // the writer's own
    mutable std::mutex mutex_;          // guards rings_
    std::array<Ring, reasons> rings_;
};

}  // namespace poise::l4
