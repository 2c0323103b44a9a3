// Packets for the tests of l4/, made with few words and right checksums.
#pragma once

#include "base/address.hpp"
#include "l4/checksum.hpp"
#include "l4/packet.hpp"
#include "l4/rewrite.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <string_view>
#include <vector>

namespace poise::l4::test {

using Bytes = std::vector<std::uint8_t>;

inline Ip ip(std::string_view text) {
    return parse_ip(text)->ip;
}

constexpr Mac client_mac{2, 0, 0, 0, 0, 1};
constexpr Mac our_mac{2, 0, 0, 0, 0, 2};
constexpr Mac server_mac{2, 0, 0, 0, 0, 3};

/// What a packet is made of. IPv4 when `from` is.
struct Made {
    std::string_view from = "192.0.2.1";
    std::string_view to = "10.0.0.100";
    std::uint16_t from_port = 40'000;
    std::uint16_t to_port = 80;
    std::uint8_t protocol = protocol_tcp;
    std::uint8_t flags = tcp_syn;
    std::size_t payload = 0;
    std::uint8_t hops = 64;
    std::uint32_t ack = 0;
    bool partial = false;        // the checksum is left to the hardware
    int options = 0;             // words of IPv4 options
    std::uint16_t fragment = 0;  // the IPv4 field
    int vlan_tags = 0;
    std::uint8_t icmp_type = 0;
    Bytes body = {};  // instead of `payload`
};

inline std::uint16_t transport_sum(const Bytes& frame, const PacketView& view) {
    const std::span<const std::uint8_t> all(frame);
    const auto part = all.subspan(view.transport, view.end - view.transport);
    const bool pseudo = view.protocol != protocol_icmp;
    return fold(sum_of(part) + (pseudo ? pseudo_header_sum(view, part.size()) : 0));
}

/// Whether every checksum of the packet is right when all of it is summed anew.
inline bool checksums_hold(const Bytes& frame) {
    const auto view = read_frame(frame);
    if (!view) return false;
    const std::span<const std::uint8_t> all(frame);
    if (view->version == 4) {
        const std::size_t header = std::size_t{frame[view->network]} % 16 * 4;
        if (fold(sum_of(all.subspan(view->network, header))) != 0xffff) return false;
    }
    if (view->fragment != Fragment::none) return true;
    if (view->protocol == protocol_udp && load16(&frame[view->transport + 6U]) == 0) return true;
    return transport_sum(frame, *view) == 0xffff;
}

inline std::size_t header_bytes(std::uint8_t protocol) {
    return protocol == protocol_tcp ? tcp_bytes : udp_bytes;
}

inline void add_transport(const Made& made, Bytes& frame, std::size_t at) {
    std::uint8_t* const header = frame.data() + at;
    if (made.protocol == protocol_icmp || made.protocol == protocol_icmp6) {
        header[0] = made.icmp_type;
        return;
    }
    store_be16(header, made.from_port);
    store_be16(header + 2, made.to_port);
    if (made.protocol == protocol_tcp) {
        store_be32(header + 8, made.ack);
        header[12] = 0x50;
        header[13] = made.flags;
    } else {
        store_be16(header + 4, static_cast<std::uint16_t>(frame.size() - at));
    }
}

inline void add_checksum(const Made& made, Bytes& frame) {
    const auto view = read_frame(frame);
    assert(view);
    if (view->fragment == Fragment::later) return;
    std::size_t at = view->transport;
    at += made.protocol == protocol_tcp ? 16U : made.protocol == protocol_udp ? 6U : 2U;
    const std::size_t bytes = view->end - view->transport;
    const std::uint16_t sum =
        made.partial ? fold(pseudo_header_sum(*view, bytes)) : transport_sum(frame, *view);
    store16(&frame[at], made.partial ? sum : static_cast<std::uint16_t>(~sum));
}

inline Bytes make_packet(const Made& made) {
    const Ip from = ip(made.from);
    const Ip to = ip(made.to);
    const bool v4 = parse_ip(made.from)->is_v4();
    Bytes frame;
    frame.insert(frame.end(), our_mac.begin(), our_mac.end());
    frame.insert(frame.end(), client_mac.begin(), client_mac.end());
    for (int i = 0; i < made.vlan_tags; ++i)
        frame.insert(frame.end(), {0x81, 0, 0, 7});
    frame.insert(frame.end(), {static_cast<std::uint8_t>(v4 ? 0x08 : 0x86),
                               static_cast<std::uint8_t>(v4 ? 0x00 : 0xdd)});
    const std::size_t network = frame.size();
    const std::size_t ip_header = v4 ? 20U + static_cast<std::size_t>(made.options) * 4 : 40U;
    const std::size_t transport = network + ip_header;
    const std::size_t body = made.body.empty() ? made.payload : made.body.size();
    frame.resize(transport + header_bytes(made.protocol) + body);
    for (std::size_t i = 0; i < body; ++i)
        frame[frame.size() - body + i] =
            made.body.empty() ? static_cast<std::uint8_t>(i * 7) : made.body[i];
    std::uint8_t* const at = frame.data() + network;
    const std::size_t after = frame.size() - network;
    if (v4) {
        at[0] = static_cast<std::uint8_t>(0x40 + ip_header / 4);
        store_be16(at + 2, static_cast<std::uint16_t>(after));
        store_be16(at + 4, 4'711);
        store_be16(at + 6, made.fragment);
        at[8] = made.hops;
        at[9] = made.protocol;
        std::copy_n(from.begin() + 12, 4, at + 12);
        std::copy_n(to.begin() + 12, 4, at + 16);
        store16(at + 10, static_cast<std::uint16_t>(~fold(sum_of({at, ip_header}))));
    } else {
        at[0] = 0x60;
        store_be16(at + 4, static_cast<std::uint16_t>(after - 40));
        at[6] = made.protocol;
        at[7] = made.hops;
        std::ranges::copy(from, at + 8);
        std::ranges::copy(to, at + 24);
    }
    add_transport(made, frame, transport);
    add_checksum(made, frame);
    return frame;
}

/// An ICMP error from `from` to `to` about `about`, of which `quoted` bytes from its IP header on
/// are shown.
inline Bytes make_icmp_error(std::string_view from, std::string_view to, const Bytes& about,
                             std::size_t quoted, std::uint8_t type) {
    const bool v4 = parse_ip(from)->is_v4();
    Made made;
    made.from = from;
    made.to = to;
    made.protocol = v4 ? protocol_icmp : protocol_icmp6;
    made.icmp_type = type;
    made.body.assign(about.begin() + ethernet_bytes,
                     about.begin() + ethernet_bytes + static_cast<std::ptrdiff_t>(quoted));
    return make_packet(made);
}

}  // namespace poise::l4::test
