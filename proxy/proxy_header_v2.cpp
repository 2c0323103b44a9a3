// Reads the binary PROXY header: version 2 of the protocol.
#include "proxy/proxy_header_parts.hpp"

#include <algorithm>
#include <array>

namespace poise::proxy {

namespace {

using State = ProxyHeader::State;

constexpr std::size_t command_at = 12;
constexpr std::size_t family_at = 13;
constexpr std::size_t length_at = 14;
constexpr std::size_t fixed_bytes = 16;  // signature, version and command, family, length
constexpr std::size_t v4_bytes = 12;     // two addresses, two ports
constexpr std::size_t v6_bytes = 36;
constexpr std::size_t unix_bytes = 216;  // two paths

ProxyHeader error(std::size_t offset, std::string_view what) {
    ProxyHeader header;
    header.state = State::error;
    header.offset = offset;
    header.what = what;
    return header;
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

Address address_at(std::string_view bytes, std::size_t at, bool v4) {
    Address address;
    std::size_t to = 0;
    if (v4) {
        address.ip[10] = address.ip[11] = 0xff;
        to = 12;
    }
    for (; to < address.ip.size(); ++to, ++at)
        address.ip[to] = byte_at(bytes, at);
    return address;
}

// How many bytes the addresses of a family take; nullopt for a family that the protocol does not
// know. Both UDP and TCP are fine; the upper half is the family, the lower the transport.
struct Family {
    std::size_t bytes = 0;
    bool v4 = false;
    bool has_ip = false;
    bool known = false;
};

Family family_of(std::uint8_t code) {
    switch (code) {
        case 0x00:
            return {0, false, false, true};
        case 0x11:
        case 0x12:
            return {v4_bytes, true, true, true};
        case 0x21:
        case 0x22:
            return {v6_bytes, false, true, true};
        case 0x31:
        case 0x32:
            return {unix_bytes, false, false, true};
        default:
            return {};
    }
}

// The offset at which the TLVs break off, or `end` when they are whole.
std::size_t broken_tlv(std::string_view bytes, std::size_t at, std::size_t end) {
    while (at < end) {
        constexpr std::size_t head_bytes = 3;
        if (end - at < head_bytes) return at;
        const std::size_t length = number_at(bytes, at + 1);
        if (end - at - head_bytes < length) return at;
        at += head_bytes + length;
    }
    return end;
}

ProxyHeader parse_whole(std::string_view bytes, bool local) {
    ProxyHeader header;
    header.state = State::done;
    header.version = 2;
    header.consumed = bytes.size();
    header.local = true;
    if (local) return header;  // the family and the rest do not count then

    const Family family = family_of(byte_at(bytes, family_at));
    if (!family.known) return error(family_at, "The family or transport is unknown.");
    if (bytes.size() - fixed_bytes < family.bytes)
        return error(length_at, "The length is too small for the addresses of the family.");
    // Without a family nothing tells where TLVs would start.
    const std::size_t tlv_at = fixed_bytes + family.bytes;
    const std::size_t broken =
        family.bytes == 0 ? bytes.size() : broken_tlv(bytes, tlv_at, bytes.size());
    if (broken != bytes.size()) return error(broken, "A TLV is longer than the header.");
    if (!family.has_ip) return header;

    const std::size_t ip_bytes = family.v4 ? 4 : 16;
    header.local = false;
    header.source = address_at(bytes, fixed_bytes, family.v4);
    header.destination = address_at(bytes, fixed_bytes + ip_bytes, family.v4);
    header.source.port = number_at(bytes, fixed_bytes + 2 * ip_bytes);
    header.destination.port = number_at(bytes, fixed_bytes + 2 * ip_bytes + 2);
    return header;
}

}  // namespace

ProxyHeader parse_proxy_header_v2(std::string_view bytes) {
    if (bytes.size() <= command_at) return {};
    const std::uint8_t version = byte_at(bytes, command_at) >> 4;
    const std::uint8_t command = byte_at(bytes, command_at) & 0x0f;
    if (version != 2) return error(command_at, "The version is not 2.");
    if (command > 1) return error(command_at, "The command is neither LOCAL nor PROXY.");
    if (bytes.size() < fixed_bytes) return {};
    const std::size_t whole = fixed_bytes + number_at(bytes, length_at);
    if (whole > proxy_v2_bytes_max) return error(length_at, "The header has more than 536 bytes.");
    if (bytes.size() < whole) return {};
    return parse_whole(bytes.substr(0, whole), command == 0);
}

}  // namespace poise::proxy
