#include "l4/packet.hpp"

#include "l4/checksum.hpp"

#include <algorithm>

namespace poise::l4 {

namespace {

constexpr std::uint16_t ethertype_ip4 = 0x0800;
constexpr std::uint16_t ethertype_ip6 = 0x86dd;
constexpr std::uint16_t ethertype_vlan = 0x8100;
constexpr std::uint16_t ethertype_service_vlan = 0x88a8;
constexpr int vlan_tags_max = 2;

constexpr std::size_t ip4_bytes_min = 20;
constexpr std::size_t ip6_bytes = 40;
constexpr int extensions_max = 8;  // no honest sender has more extension headers

constexpr std::uint8_t extension_hop_by_hop = 0;
constexpr std::uint8_t extension_routing = 43;
constexpr std::uint8_t extension_fragment = 44;
constexpr std::uint8_t extension_destination = 60;

using Bytes = std::span<const std::uint8_t>;
using Read = std::expected<PacketView, Drop>;

Ip mapped(const std::uint8_t* at) {
    Ip ip{};
    ip[10] = ip[11] = 0xff;
    std::copy_n(at, 4, ip.begin() + 12);
    return ip;
}

bool is_error4(std::uint8_t type) {
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;  // RFC 792
}

// Everything from `view.transport` on. `room` is where the bytes end that are there.
Read read_transport(Bytes bytes, std::size_t room, PacketView view, bool whole) {
    const std::uint8_t* at = bytes.data() + view.transport;
    const std::size_t left = room - view.transport;
    if (view.fragment == Fragment::later) return view;
    if (view.protocol == protocol_tcp || view.protocol == protocol_udp) {
        const bool tcp = view.protocol == protocol_tcp;
        // Of the packet inside an ICMP error eight bytes are sure (RFC 792).
        const std::size_t least = whole ? (tcp ? tcp_bytes : udp_bytes) : 8;
        if (left < least) return std::unexpected(Drop::malformed);
        view.has_ports = true;
        view.source_port = load_be16(at);
        view.destination_port = load_be16(at + 2);
        if (!tcp) return view;
        if (left < 14) return view;
        view.tcp_flags = at[13];
        const std::size_t header = std::size_t{at[12]} >> 4 << 2;
        if (whole && (header < tcp_bytes || header > left)) return std::unexpected(Drop::malformed);
        return view;
    }
    const bool icmp4 = view.protocol == protocol_icmp && view.version == 4;
    const bool icmp6 = view.protocol == protocol_icmp6 && view.version == 6;
    if (!icmp4 && !icmp6) return view;
    if (left < 8) return whole ? Read(std::unexpected(Drop::malformed)) : Read(view);
    view.icmp_error = icmp4 ? is_error4(at[0]) : at[0] < 128;  // RFC 4443
    view.inner = static_cast<std::uint16_t>(view.transport + 8);
    return view;
}

Read read_ip4(Bytes bytes, std::size_t network, bool whole) {
    if (bytes.size() < network + ip4_bytes_min) return std::unexpected(Drop::malformed);
    const std::uint8_t* at = bytes.data() + network;
    const std::size_t header = std::size_t{at[0]} % 16 * 4;
    const std::size_t total = load_be16(at + 2);
    if (at[0] >> 4 != 4 || header < ip4_bytes_min || total < header)
        return std::unexpected(Drop::malformed);
    if (bytes.size() < network + header) return std::unexpected(Drop::malformed);
    if (whole && bytes.size() < network + total) return std::unexpected(Drop::malformed);
    PacketView view;
    view.version = 4;
    view.network = static_cast<std::uint16_t>(network);
    view.transport = static_cast<std::uint16_t>(network + header);
    view.end = static_cast<std::uint32_t>(std::min(network + total, bytes.size()));
    view.protocol = at[9];
    view.hops = at[8];
    view.source = mapped(at + 12);
    view.destination = mapped(at + 16);
    const std::uint16_t fragment = load_be16(at + 6);
    view.fragment_id = load_be16(at + 4);
    if ((fragment & 0x1fff) != 0)
        view.fragment = Fragment::later;
    else if ((fragment & 0x2000) != 0)
        view.fragment = Fragment::first;
    return read_transport(bytes, view.end, view, whole);
}

// Walks the extension headers; RFC 8200.
Read read_ip6(Bytes bytes, std::size_t network, bool whole) {
    if (bytes.size() < network + ip6_bytes) return std::unexpected(Drop::malformed);
    const std::uint8_t* base = bytes.data() + network;
    const std::size_t total = ip6_bytes + load_be16(base + 4);
    if (base[0] >> 4 != 6) return std::unexpected(Drop::malformed);
    if (whole && bytes.size() < network + total) return std::unexpected(Drop::malformed);
    PacketView view;
    view.version = 6;
    view.network = static_cast<std::uint16_t>(network);
    view.end = static_cast<std::uint32_t>(std::min(network + total, bytes.size()));
    view.hops = base[7];
    std::copy_n(base + 8, view.source.size(), view.source.begin());
    std::copy_n(base + 24, view.destination.size(), view.destination.begin());
    std::uint8_t next = base[6];
    std::size_t at = network + ip6_bytes;
    for (int i = 0; i < extensions_max; ++i) {
        const bool options = next == extension_hop_by_hop || next == extension_routing ||
                             next == extension_destination;
        if (!options && next != extension_fragment) {
            view.protocol = next;
            view.transport = static_cast<std::uint16_t>(at);
            return read_transport(bytes, view.end, view, whole);
        }
        if (at + 8 > view.end) return std::unexpected(Drop::malformed);
        const std::uint8_t* header = bytes.data() + at;
        if (next == extension_fragment) {
            const std::uint16_t where = load_be16(header + 2);
            view.fragment_id = load_be32(header + 4);
            if ((where & 0xfff8) != 0)
                view.fragment = Fragment::later;
            else if ((where & 1) != 0)
                view.fragment = Fragment::first;
            at += 8;
        } else {
            at += 8 + std::size_t{header[1]} * 8;
        }
        if (at > view.end) return std::unexpected(Drop::malformed);
        next = header[0];
        if (view.fragment != Fragment::later) continue;
        view.protocol = next;  // what follows is data
        view.transport = static_cast<std::uint16_t>(at);
        return view;
    }
    return std::unexpected(Drop::unsupported);
}

}  // namespace

Read read_ip(Bytes bytes, std::size_t network, bool whole) {
    if (bytes.size() <= network || network > 0xffff) return std::unexpected(Drop::malformed);
    const auto version = bytes[network] >> 4;
    if (version == 4) return read_ip4(bytes, network, whole);
    if (version == 6) return read_ip6(bytes, network, whole);
    return std::unexpected(Drop::malformed);
}

Read read_frame(Bytes frame) {
    if (frame.size() < ethernet_bytes) return std::unexpected(Drop::malformed);
    std::size_t type_at = ethernet_bytes - 2;
    for (int tags = 0; tags <= vlan_tags_max; ++tags) {
        if (frame.size() < type_at + 2) return std::unexpected(Drop::malformed);
        const std::uint16_t type = load_be16(frame.data() + type_at);
        if (type == ethertype_ip4) return read_ip(frame, type_at + 2, true);
        if (type == ethertype_ip6) return read_ip(frame, type_at + 2, true);
        if (type != ethertype_vlan && type != ethertype_service_vlan) break;
        type_at += vlan_bytes;
    }
    return std::unexpected(Drop::unsupported);
}

}  // namespace poise::l4
