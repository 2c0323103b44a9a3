#include "ha/neighbour_packet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace poise::ha {

namespace {

constexpr std::uint16_t ethertype_arp = 0x0806, ethertype_ipv6 = 0x86dd;
constexpr std::size_t ethernet_bytes = 14, ipv6_bytes = 40;
constexpr std::size_t discovery_bytes = 24;  // a solicitation or advertisement without options
constexpr std::uint16_t arp_request = 1, arp_reply = 2;
constexpr std::uint8_t next_header_icmpv6 = 58, hop_limit_discovery = 255;
constexpr std::uint8_t type_solicitation = 135, type_advertisement = 136;
constexpr std::uint8_t option_source = 1, option_target = 2;
constexpr std::uint8_t flag_override = 0x20;
static_assert(ethernet_bytes + ipv6_bytes + discovery_bytes + 8 == frame_bytes_max);

class Writer {
public:
    explicit Writer(Frame& frame) : frame_(frame) {}

    void u8(std::uint8_t value) {
        assert(frame_.size < frame_.storage.size());
        frame_.storage[frame_.size++] = std::byte{value};
    }
    void u16(std::uint16_t value) {
        u8(static_cast<std::uint8_t>(value >> 8));
        u8(static_cast<std::uint8_t>(value & 0xff));
    }
    void bytes(std::span<const std::uint8_t> values) {
        for (const std::uint8_t value : values)
            u8(value);
    }

private:
    Frame& frame_;
};

// Reads past the end give zero and are noted.
class Reader {
public:
    explicit Reader(std::span<const std::byte> data) : data_(data) {}

    std::uint8_t u8() {
        if (at_ >= data_.size()) {
            cut_ = true;
            return 0;
        }
        return std::to_integer<std::uint8_t>(data_[at_++]);
    }
    std::uint16_t u16() {
        const std::uint16_t high = u8();
        return static_cast<std::uint16_t>(high << 8 | u8());
    }
    template <std::size_t Count>
    std::array<std::uint8_t, Count> bytes() {
        std::array<std::uint8_t, Count> values{};
        for (std::uint8_t& value : values)
            value = u8();
        return values;
    }
    Address v4() {
        Address address{.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
        std::ranges::copy(bytes<4>(), address.ip.begin() + 12);
        return address;
    }
    Address v6() { return {.ip = bytes<16>()}; }
    void skip(std::size_t count) {
        cut_ |= count > data_.size() - at_;
        at_ += std::min(count, data_.size() - at_);
    }
    std::size_t left() const { return data_.size() - at_; }
    bool cut() const { return cut_; }

private:
    std::span<const std::byte> data_;
    std::size_t at_ = 0;
    bool cut_ = false;
};

std::span<const std::uint8_t> v4_bytes(const Address& address) {
    return std::span(address.ip).subspan(12);
}

Frame make_arp(std::uint16_t operation, const Mac& to, const Mac& sender, const Address& sender_ip,
               const Mac& target, const Address& target_ip) {
    Frame frame;
    Writer writer(frame);
    writer.bytes(to);
    writer.bytes(sender);
    writer.u16(ethertype_arp);
    writer.u16(1);       // Ethernet
    writer.u16(0x0800);  // IPv4
    writer.u8(6);
    writer.u8(4);
    writer.u16(operation);
    writer.bytes(sender);
    writer.bytes(v4_bytes(sender_ip));
    writer.bytes(target);
    writer.bytes(v4_bytes(target_ip));
    return frame;
}

std::uint32_t sum_words(std::span<const std::byte> data) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < data.size(); i += 2)
        sum += std::to_integer<std::uint32_t>(data[i]) << 8 |
               std::to_integer<std::uint32_t>(data[i + 1]);
    return sum;
}

// RFC 4443, 2.3: over the addresses, the length, the next header and the message itself.
std::uint16_t icmpv6_sum(std::span<const std::byte> packet) {
    const auto body = packet.subspan(ipv6_bytes);
    std::uint32_t sum = sum_words(packet.subspan(8, 32)) + sum_words(body) + next_header_icmpv6 +
                        static_cast<std::uint32_t>(body.size());
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

struct Discovery {
    std::uint8_t type, flags, option;
};

Frame make_discovery(const Discovery& what, const Mac& to, const Address& to_ip, const Mac& mac,
                     const Address& from_ip, const Address& target) {
    Frame frame;
    Writer writer(frame);
    writer.bytes(to);
    writer.bytes(mac);
    writer.u16(ethertype_ipv6);
    writer.u16(0x6000);
    writer.u16(0);
    writer.u16(discovery_bytes + 8);
    writer.u8(next_header_icmpv6);
    writer.u8(hop_limit_discovery);
    writer.bytes(from_ip.ip);
    writer.bytes(to_ip.ip);
    writer.u8(what.type);
    writer.u8(0);
    writer.u16(0);  // the sum, below
    writer.u8(what.flags);
    writer.u8(0);
    writer.u16(0);
    writer.bytes(target.ip);
    writer.u8(what.option);
    writer.u8(1);
    writer.bytes(mac);
    const std::uint16_t sum = icmpv6_sum(frame.bytes().subspan(ethernet_bytes));
    const std::size_t at = ethernet_bytes + ipv6_bytes + 2;
    frame.storage[at] = static_cast<std::byte>(sum >> 8);
    frame.storage[at + 1] = static_cast<std::byte>(sum & 0xff);
    return frame;
}

// 33:33 and the last four bytes of a multicast address (RFC 2464, 7).
Mac multicast_mac(const Address& group) {
    return {0x33, 0x33, group.ip[12], group.ip[13], group.ip[14], group.ip[15]};
}

Address all_nodes() {
    Address group;
    group.ip[0] = 0xff;
    group.ip[1] = 0x02;
    group.ip[15] = 1;
    return group;
}

Address solicited_node(const Address& ip) {
    Address group = all_nodes();
    group.ip[11] = 1;
    group.ip[12] = 0xff;
    std::copy_n(ip.ip.begin() + 13, 3, group.ip.begin() + 13);
    return group;
}

std::optional<NeighbourPacket> parse_arp(Reader& reader) {
    const bool is_ip_over_ethernet =
        reader.u16() == 1 && reader.u16() == 0x0800 && reader.u8() == 6 && reader.u8() == 4;
    const std::uint16_t operation = reader.u16();
    NeighbourPacket packet;
    packet.mac = reader.bytes<6>();
    packet.sender = reader.v4();
    reader.skip(6);
    packet.target = reader.v4();
    packet.kind =
        operation == arp_reply ? NeighbourPacket::Kind::answer : NeighbourPacket::Kind::question;
    if (reader.cut() || !is_ip_over_ethernet) return std::nullopt;
    if (operation != arp_request && operation != arp_reply) return std::nullopt;
    return packet;
}

// The link-layer address among the options; nothing when they are broken (RFC 4861, 4.6).
std::optional<Mac> find_option(Reader& reader, std::uint8_t wanted, const Mac& otherwise) {
    Mac found = otherwise;
    while (reader.left() > 0) {
        const std::uint8_t type = reader.u8();
        const std::size_t bytes = std::size_t{reader.u8()} * 8;
        if (bytes == 0) return std::nullopt;
        if (type == wanted && bytes == 8)
            found = reader.bytes<6>();
        else
            reader.skip(bytes - 2);
        if (reader.cut()) return std::nullopt;
    }
    return found;
}

std::optional<NeighbourPacket> parse_discovery(std::span<const std::byte> packet,
                                               const Mac& source) {
    Reader reader(packet);
    reader.skip(4);
    const std::uint16_t length = reader.u16();
    const bool is_icmpv6 = reader.u8() == next_header_icmpv6;
    const bool is_from_link = reader.u8() == hop_limit_discovery;  // no router has passed it on
    const Address from = reader.v6();
    const Address to = reader.v6();
    if (reader.cut() || !is_icmpv6 || !is_from_link) return std::nullopt;
    if (length < discovery_bytes || length > packet.size() - ipv6_bytes || length % 2 != 0)
        return std::nullopt;
    packet = packet.first(ipv6_bytes + length);  // behind it the frame may be filled up
    if (icmpv6_sum(packet) != 0) return std::nullopt;
    Reader body(packet.subspan(ipv6_bytes));
    const std::uint8_t type = body.u8();
    body.skip(7);
    const Address target = body.v6();
    if (type != type_solicitation && type != type_advertisement) return std::nullopt;
    const bool answers = type == type_advertisement;
    const auto mac = find_option(body, answers ? option_target : option_source, source);
    if (!mac || body.cut()) return std::nullopt;
    NeighbourPacket found;
    found.kind = answers ? NeighbourPacket::Kind::answer : NeighbourPacket::Kind::question;
    found.sender = answers ? target : from;
    found.target = answers ? to : target;
    found.mac = *mac;
    return found;
}

}  // namespace

std::string to_string(const Mac& mac) {
    return fmt::format("{:02x}", fmt::join(mac, ":"));
}

Frame make_announcement(const Address& ip, const Mac& mac, bool as_answer) {
    if (ip.is_v4()) {
        // RFC 5227, 3: sender and target are the address itself.
        return make_arp(as_answer ? arp_reply : arp_request, broadcast_mac, mac, ip,
                        as_answer ? broadcast_mac : Mac{}, ip);
    }
    return make_discovery({type_advertisement, flag_override, option_target},
                          multicast_mac(all_nodes()), all_nodes(), mac, ip, ip);
}

Frame make_question(const Address& ip, const Mac& mac, const Address& neighbour, const Mac& to) {
    assert(ip.is_v4() == neighbour.is_v4());
    if (ip.is_v4()) return make_arp(arp_request, to, mac, ip, Mac{}, neighbour);
    const bool known = to != broadcast_mac;
    const Address group = solicited_node(neighbour);
    return make_discovery({type_solicitation, 0, option_source}, known ? to : multicast_mac(group),
                          known ? neighbour : group, mac, ip, neighbour);
}

std::optional<NeighbourPacket> parse_neighbour_packet(std::span<const std::byte> frame) {
    Reader reader(frame);
    reader.skip(6);
    const Mac source = reader.bytes<6>();
    const std::uint16_t ethertype = reader.u16();
    if (reader.cut()) return std::nullopt;
    if (ethertype == ethertype_arp) return parse_arp(reader);
    if (ethertype == ethertype_ipv6) return parse_discovery(frame.subspan(ethernet_bytes), source);
    return std::nullopt;
}

}  // namespace poise::ha
