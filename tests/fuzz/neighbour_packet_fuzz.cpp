// Any frame: the reader stays inside of it, and what it takes for a packet is one.
#include "ha/neighbour_packet.hpp"

#include <algorithm>
#include <cstdlib>

using namespace poise;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// The same packet, made anew, is read as the same.
void check_again(const ha::NeighbourPacket& packet) {
    if (packet.kind != ha::NeighbourPacket::Kind::question || packet.sender.is_any()) return;
    if (packet.sender.is_v4() != packet.target.is_v4()) return;
    const auto frame = ha::make_question(packet.sender, packet.mac, packet.target, {});
    require(ha::parse_neighbour_packet(frame.bytes()) == packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto frame = std::as_bytes(std::span(data, size));
    const auto packet = ha::parse_neighbour_packet(frame);
    if (!packet) return 0;
    require(size >= 42);
    require(packet->sender.port == 0 && packet->target.port == 0);
    check_again(*packet);
    // What is behind the packet is padding.
    const bool is_arp = data[12] == 0x08;
    if (is_arp) require(ha::parse_neighbour_packet(frame.first(42)) == packet);
    return 0;
}
