#include "l4/answer.hpp"

#include "l4/checksum.hpp"
#include "l4/rewrite.hpp"

#include <algorithm>
#include <cassert>

namespace poise::l4 {

namespace {

constexpr std::uint8_t hops_of_ours = 64;
constexpr std::size_t ip4_bytes = 20;
constexpr std::size_t ip6_bytes = 40;
constexpr std::size_t icmp_bytes = 8;
constexpr std::size_t icmp4_quote_max = 548;  // the whole stays within 576 bytes (RFC 1812)

// Ethernet and IP; returns the view of what follows, whose bytes are 0.
PacketView begin_packet(const Ip& from, const Ip& to, std::uint8_t protocol, std::size_t payload,
                        Answer& into) {
    PacketView view;
    view.version = is_v4(to) ? 4 : 6;
    view.protocol = protocol;
    view.source = from;
    view.destination = to;
    view.network = ethernet_bytes;
    const std::size_t header = view.version == 4 ? ip4_bytes : ip6_bytes;
    view.transport = static_cast<std::uint16_t>(ethernet_bytes + header);
    view.end = static_cast<std::uint32_t>(view.transport + payload);
    assert(view.end <= Answer::bytes_max);
    into.bytes = static_cast<std::uint16_t>(view.end);
    std::fill_n(into.data.begin(), view.end, std::uint8_t{0});
    std::uint8_t* const at = into.data.data() + ethernet_bytes;
    store_be16(at - 2, view.version == 4 ? 0x0800 : 0x86dd);
    if (view.version == 4) {
        at[0] = 0x45;
        store_be16(at + 2, static_cast<std::uint16_t>(header + payload));
        store_be16(at + 6, 0x4000);  // do not fragment, so an id is not needed
        at[8] = hops_of_ours;
        at[9] = protocol;
        std::copy_n(from.begin() + 12, 4, at + 12);
        std::copy_n(to.begin() + 12, 4, at + 16);
        store16(at + 10, static_cast<std::uint16_t>(~fold(sum_of({at, header}))));
    } else {
        at[0] = 0x60;
        store_be16(at + 4, static_cast<std::uint16_t>(payload));
        at[6] = protocol;
        at[7] = hops_of_ours;
        std::ranges::copy(from, at + 8);
        std::ranges::copy(to, at + 24);
    }
    return view;
}

}  // namespace

void make_reset(const Reset& reset, Answer& into) {
    const PacketView view = begin_packet(reset.from, reset.to, protocol_tcp, tcp_bytes, into);
    set_macs(into.data, reset.mac_to, reset.mac_from);
    std::uint8_t* const tcp = into.data.data() + view.transport;
    store_be16(tcp, reset.from_port);
    store_be16(tcp + 2, reset.to_port);
    store_be32(tcp + 4, reset.sequence);
    tcp[12] = tcp_bytes / 4 << 4;
    tcp[13] = tcp_rst;
    const std::uint64_t sum = pseudo_header_sum(view, tcp_bytes) + sum_of({tcp, tcp_bytes});
    store16(tcp + 16, static_cast<std::uint16_t>(~fold(sum)));
}

namespace {

struct Notice {
    std::uint8_t type;
    std::uint8_t code;
    std::uint32_t value;  // in the word behind the checksum
};

void make_notice(std::span<const std::uint8_t> frame, const PacketView& about, const Notice& notice,
                 Answer& into) {
    const bool v4 = about.version == 4;
    const std::size_t room =
        v4 ? icmp4_quote_max : Answer::bytes_max - ethernet_bytes - ip6_bytes - icmp_bytes;
    const std::size_t quoted = std::min<std::size_t>(room, about.end - about.network);
    const PacketView view =
        begin_packet(about.destination, about.source, v4 ? protocol_icmp : protocol_icmp6,
                     icmp_bytes + quoted, into);
    // Back by the way it came.
    std::copy_n(frame.begin(), 6, into.data.begin() + 6);
    std::copy_n(frame.begin() + 6, 6, into.data.begin());
    std::uint8_t* const icmp = into.data.data() + view.transport;
    icmp[0] = notice.type;
    icmp[1] = notice.code;
    store_be32(icmp + 4, notice.value);
    std::copy_n(frame.begin() + about.network, quoted, icmp + icmp_bytes);
    finish_icmp(into.data, view);
}

}  // namespace

void make_too_big(std::span<const std::uint8_t> frame, const PacketView& view, std::uint32_t mtu,
                  Answer& into) {
    const bool v4 = view.version == 4;
    make_notice(
        frame, view,
        {v4 ? std::uint8_t{3} : std::uint8_t{2}, v4 ? std::uint8_t{4} : std::uint8_t{0}, mtu},
        into);
}

void make_time_exceeded(std::span<const std::uint8_t> frame, const PacketView& view, Answer& into) {
    make_notice(frame, view, {view.version == 4 ? std::uint8_t{11} : std::uint8_t{3}, 0, 0}, into);
}

}  // namespace poise::l4
