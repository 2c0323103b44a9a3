// A socket for the frames of neighbour discovery of one interface: ARP, or ICMPv6's part of it.
#pragma once

#include "ha/neighbour_packet.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <system_error>

namespace poise::ha {

/// Hears nothing but what it is for: the kernel filters. Belongs to one thread. Never waits.
class PacketSocket {
public:
    enum class Family : std::uint8_t { arp, ipv6 };

    static std::expected<PacketSocket, std::error_code> open(Family family, unsigned interface);
    ~PacketSocket();
    PacketSocket(PacketSocket&& other) noexcept;
    PacketSocket& operator=(PacketSocket&& other) noexcept;

    /// The next frame into `room`; empty when there is none.
    std::span<const std::byte> receive(std::span<std::byte> room) const;
    /// False when it could not leave: the interface is down, or its queue is full.
    bool send(const Frame& frame) const;

    int fd() const { return fd_; }

private:
    PacketSocket(int fd, unsigned interface) : fd_(fd), interface_(interface) {}

    int fd_ = -1;
    unsigned interface_ = 0;
};

/// The hardware address of an Ethernet interface; nothing when it is none or there is none.
std::optional<Mac> interface_mac(const std::string& name);

}  // namespace poise::ha
