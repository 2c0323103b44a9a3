// Changes a packet in place: link-layer addresses for DR, addresses and ports for NAT, with every
// checksum that covers them, whole or left to the hardware.
#pragma once

#include "l4/packet.hpp"

#include <cstdint>
#include <span>

namespace poise::l4 {

enum class Side : std::uint8_t { source, destination };

/// Sets the Ethernet addresses. `frame` has passed read_frame().
void set_macs(std::span<std::uint8_t> frame, const Mac& to, const Mac& from);

/// Gives one side of the packet another address, of the packet's IP version, and, where it has
/// ports, another port. `view` is of these bytes and is kept true.
void set_endpoint(std::span<std::uint8_t> bytes, PacketView& view, const Offload& offload,
                  Side side, const Ip& ip, std::uint16_t port);

/// One hop less to live. False: that was the last one.
bool take_hop(std::span<std::uint8_t> bytes, PacketView& view);

/// The same as set_endpoint() for the packet inside the ICMP error `view`. The error's checksum is
/// made anew by finish_icmp().
void set_inner_endpoint(std::span<std::uint8_t> bytes, PacketView& inner, Side side, const Ip& ip,
                        std::uint16_t port);

/// The checksum of the ICMP message from scratch.
void finish_icmp(std::span<std::uint8_t> bytes, const PacketView& view);

/// The sum of the pseudo header that TCP, UDP and ICMPv6 cover (RFC 9293, RFC 8200).
std::uint64_t pseudo_header_sum(const PacketView& view, std::size_t transport_bytes);

}  // namespace poise::l4
