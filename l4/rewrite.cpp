#include "l4/rewrite.hpp"

#include "l4/checksum.hpp"

#include <algorithm>
#include <cassert>

namespace poise::l4 {

namespace {

using Bytes = std::span<std::uint8_t>;

// Where an address of this packet stands, and how long it is.
Bytes address_at(Bytes bytes, const PacketView& view, Side side) {
    const bool source = side == Side::source;
    if (view.version == 4) return bytes.subspan(view.network + (source ? 12U : 16U), 4);
    return bytes.subspan(view.network + (source ? 8U : 24U), 16);
}

std::span<const std::uint8_t> wire_form(const PacketView& view, const Ip& ip) {
    return std::span(ip).last(view.version == 4 ? 4 : 16);
}

// Null: there is none, or it was cut off.
std::uint8_t* transport_checksum(Bytes bytes, const PacketView& view) {
    if (!view.has_ports) return nullptr;
    const std::size_t at = view.transport + (view.protocol == protocol_tcp ? 16U : 6U);
    return at + 2 <= view.end ? bytes.data() + at : nullptr;
}

void apply(std::uint8_t* at, const ChecksumDelta& addresses, const ChecksumDelta& all,
           const PacketView& view, bool partial) {
    const std::uint16_t before = load16(at);
    // The ports are not in a partial sum yet.
    if (partial) return store16(at, addresses.applied_to_partial(before));
    const bool udp = view.protocol == protocol_udp;
    if (udp && before == 0) return;  // the sender has made none (RFC 768)
    const std::uint16_t after = all.applied_to(before);
    store16(at, udp && after == 0 ? std::uint16_t{0xffff} : after);
}

}  // namespace

void set_macs(Bytes frame, const Mac& to, const Mac& from) {
    assert(frame.size() >= ethernet_bytes);
    std::ranges::copy(to, frame.begin());
    std::ranges::copy(from, frame.begin() + 6);
}

void set_endpoint(Bytes bytes, PacketView& view, const Offload& offload, Side side, const Ip& ip,
                  std::uint16_t port) {
    ChecksumDelta addresses;
    const Bytes address = address_at(bytes, view, side);
    const auto wanted = wire_form(view, ip);
    addresses.replace(address, wanted);
    std::ranges::copy(wanted, address.begin());
    (side == Side::source ? view.source : view.destination) = ip;
    if (view.version == 4) {
        std::uint8_t* header = bytes.data() + view.network + 10;
        store16(header, addresses.applied_to(load16(header)));
    }
    if (!view.has_ports) return;

    ChecksumDelta all = addresses;
    std::uint8_t* port_at = bytes.data() + view.transport + (side == Side::source ? 0U : 2U);
    const std::uint16_t port_before = load16(port_at);
    store_be16(port_at, port);
    all.replace(port_before, load16(port_at));
    (side == Side::source ? view.source_port : view.destination_port) = port;
    if (std::uint8_t* checksum = transport_checksum(bytes, view))
        apply(checksum, addresses, all, view, offload.partial_checksum);
}

bool take_hop(Bytes bytes, PacketView& view) {
    if (view.hops <= 1) return false;
    --view.hops;
    std::uint8_t* const at = bytes.data() + view.network;
    if (view.version == 6) {
        at[7] = view.hops;
        return true;
    }
    const std::uint16_t before = load16(at + 8);
    at[8] = view.hops;
    ChecksumDelta delta;
    delta.replace(before, load16(at + 8));
    store16(at + 10, delta.applied_to(load16(at + 10)));
    return true;
}

void set_inner_endpoint(Bytes bytes, PacketView& inner, Side side, const Ip& ip,
                        std::uint16_t port) {
    set_endpoint(bytes, inner, {}, side, ip, port);
}

std::uint64_t pseudo_header_sum(const PacketView& view, std::size_t transport_bytes) {
    std::uint8_t rest[8]{};
    store_be32(rest, static_cast<std::uint32_t>(transport_bytes));
    rest[7] = view.protocol;
    return sum_of(wire_form(view, view.source)) + sum_of(wire_form(view, view.destination)) +
           sum_of(rest);
}

void finish_icmp(Bytes bytes, const PacketView& view) {
    assert(view.transport + 8U <= view.end);
    const Bytes message = bytes.subspan(view.transport, view.end - view.transport);
    store16(message.data() + 2, 0);
    std::uint64_t sum = sum_of(message);
    if (view.version == 6) sum += pseudo_header_sum(view, message.size());
    store16(message.data() + 2, static_cast<std::uint16_t>(~fold(sum)));
}

}  // namespace poise::l4
