#include "l4/last_drops.hpp"

#include "l4/checksum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string_view>

namespace poise::l4 {

namespace {

std::string_view flags_text(std::uint8_t flags) {
    if ((flags & tcp_rst) != 0) return " RST";
    if ((flags & tcp_syn) != 0) return (flags & tcp_ack) != 0 ? " SYN-ACK" : " SYN";
    if ((flags & tcp_fin) != 0) return " FIN";
    return (flags & tcp_ack) != 0 ? " ACK" : "";
}

std::string kind_text(const PacketView& packet) {
    if (packet.fragment == Fragment::later) return "later fragment";
    if (packet.icmp_error) return "ICMP error";
    if (packet.protocol == protocol_tcp) return fmt::format("TCP{}", flags_text(packet.tcp_flags));
    return packet.protocol == protocol_udp ? "UDP" : "packet";
}

std::string end_text(const Ip& ip, std::uint16_t port, bool has_ports) {
    return has_ports ? to_string(Address{ip, port}) : ip_to_string(Address{ip, 0});
}

}  // namespace

DroppedPacket broken_packet(std::span<const std::uint8_t> frame, Drop reason) {
    DroppedPacket dropped;
    dropped.reason = reason;
    PacketView& packet = dropped.packet;
    packet.end = static_cast<std::uint32_t>(frame.size());
    if (frame.size() < ethernet_bytes + 20) return dropped;
    const std::uint8_t* const at = frame.data() + ethernet_bytes;
    if (load_be16(at - 2) == 0x0800) {
        packet.source[10] = packet.source[11] = 0xff;
        packet.destination = packet.source;
        std::copy_n(at + 12, 4, packet.source.begin() + 12);
        std::copy_n(at + 16, 4, packet.destination.begin() + 12);
    } else if (frame.size() >= ethernet_bytes + 40 && load_be16(at - 2) == 0x86dd) {
        std::copy_n(at + 8, 16, packet.source.begin());
        std::copy_n(at + 24, 16, packet.destination.begin());
    }
    return dropped;
}

std::string to_text(const DroppedPacket& dropped) {
    const PacketView& packet = dropped.packet;
    if (packet.end == 0)
        return fmt::format("{} packet{}", dropped.packets, dropped.packets == 1 ? "" : "s");
    std::string what =
        fmt::format("{} of {} bytes", kind_text(packet), packet.end - packet.network);
    if (packet.source == Ip{} && packet.destination == Ip{}) return what;
    return fmt::format("{} from {} to {}", what,
                       end_text(packet.source, packet.source_port, packet.has_ports),
                       end_text(packet.destination, packet.destination_port, packet.has_ports));
}

void LastDrops::add(const DroppedPacket& dropped) {
    assert(dropped.reason < Drop::count_);
    const auto reason = static_cast<std::size_t>(dropped.reason);
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;
    next_[reason] = dropped.at + pause;
    Ring& ring = rings_[reason];
    ring.last[ring.added++ % kept] = dropped;
}

std::vector<DroppedPacket> LastDrops::all() const {
    std::vector<DroppedPacket> found;
    {
        const std::lock_guard lock(mutex_);
        for (const Ring& ring : rings_)
            found.insert(
                found.end(), ring.last.begin(),
                ring.last.begin() + static_cast<std::ptrdiff_t>(std::min(ring.added, kept)));
    }
    std::ranges::sort(found, std::ranges::greater{}, &DroppedPacket::at);
    return found;
}

}  // namespace poise::l4
