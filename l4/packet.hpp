// A packet as layer 4 sees it: where its headers are and what they say. Every read is within the
// bounds of what was received.
#pragma once

#include "l4/drop_reason.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace poise::l4 {

/// An address as Address::ip has it: IPv4 as ::ffff:a.b.c.d.
using Ip = std::array<std::uint8_t, 16>;
using Mac = std::array<std::uint8_t, 6>;

constexpr bool is_v4(const Ip& ip) {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(mapped.begin(), mapped.end(), ip.begin());
}

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmp6 = 58;

constexpr std::size_t ethernet_bytes = 14;
constexpr std::size_t vlan_bytes = 4;

enum TcpFlags : std::uint8_t { tcp_fin = 1, tcp_syn = 2, tcp_rst = 4, tcp_ack = 16 };

/// What the kernel says beside a packet: checksums and segments that are left to the hardware.
/// The members that matter of virtio_net_hdr.
struct Offload {
    bool partial_checksum = false;    // the checksum field holds the pseudo header's sum alone
    std::uint16_t segment_bytes = 0;  // payload of each segment to be made; 0: one packet
};

enum class Fragment : std::uint8_t { none, first, later };

/// Offsets count from the packet's first byte. All are within it.
struct PacketView {
    std::uint8_t version = 4;
    std::uint8_t protocol = 0;  // of the transport header, behind extension headers
    Fragment fragment = Fragment::none;
    bool has_ports = false;   // TCP or UDP, whose ports and flags are here
    bool icmp_error = false;  // about the packet that starts at `inner`
    std::uint8_t tcp_flags = 0;
    std::uint8_t hops = 0;  // time to live, hop limit
    std::uint16_t network = 0;
    std::uint16_t transport = 0;
    std::uint16_t inner = 0;
    std::uint32_t end = 0;  // of the IP packet: padding follows
    std::uint32_t fragment_id = 0;
    std::uint16_t source_port = 0;  // host byte order
    std::uint16_t destination_port = 0;
    Ip source{};
    Ip destination{};
};

/// Reads an Ethernet frame that holds IPv4 or IPv6, with up to two VLAN tags.
std::expected<PacketView, Drop> read_frame(std::span<const std::uint8_t> frame);

/// Reads an IP packet that starts at `network` of `bytes`. `whole` says whether all of it must be
/// there: the one inside an ICMP error is cut.
std::expected<PacketView, Drop> read_ip(std::span<const std::uint8_t> bytes, std::size_t network,
                                        bool whole);

/// The least that a transport header has.
constexpr std::size_t tcp_bytes = 20;
constexpr std::size_t udp_bytes = 8;

}  // namespace poise::l4
