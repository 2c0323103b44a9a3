// Finds what belongs to an address, a protocol and a port: services by what clients dial, servers
// by where their answers come from.
#pragma once

#include "l4/packet.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace poise::l4 {

/// Ports `first` to `last` of one address.
struct PortRange {
    Ip ip{};
    std::uint8_t protocol = 0;
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    std::uint16_t value = 0;   // the service
    std::uint16_t value2 = 0;  // its address's number
};

/// Immutable once built. Ranges of one address that overlap become one, of the first's values:
/// where that would matter the checker has refused it.
class PortTable {
public:
    PortTable() = default;
    explicit PortTable(std::vector<PortRange> ranges);

    const PortRange* find(const Ip& ip, std::uint8_t protocol, std::uint16_t port) const {
        const auto key = std::tie(ip, protocol, port);
        auto next = std::upper_bound(
            ranges_.begin(), ranges_.end(), key, [](const auto& wanted, const PortRange& range) {
                return wanted < std::tie(range.ip, range.protocol, range.first);
            });
        if (next == ranges_.begin()) return nullptr;
        const PortRange& range = *--next;
        if (range.last < port || range.protocol != protocol || range.ip != ip) return nullptr;
        return &range;
    }

    const std::vector<PortRange>& ranges() const { return ranges_; }

private:
    std::vector<PortRange> ranges_;  // sorted, apart from each other
};

}  // namespace poise::l4
