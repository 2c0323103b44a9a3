// Packets in groups: while the memory of one packet's flow is on its way, the others are read. With
// millions of flows that wait is most of a packet's cost.
#include "l4/forwarder.hpp"
#include "l4/forwarder_parts.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <expected>

namespace poise::l4 {

namespace {

constexpr std::size_t group_max = 32;  // more packets than a core has outstanding misses for

}  // namespace

void Forwarder::handle(std::span<Input> inputs, std::span<Verdict> verdicts,
                       Clock::time_point now) {
    assert(inputs.size() == verdicts.size());
    now_ = now;
    for (std::size_t at = 0; at < inputs.size(); at += group_max) {
        const std::size_t count = std::min(group_max, inputs.size() - at);
        handle_group(inputs.subspan(at, count), verdicts.subspan(at, count));
    }
}

void Forwarder::handle_group(std::span<Input> inputs, std::span<Verdict> verdicts) {
    std::array<std::expected<PacketView, Drop>, group_max> packets;
    std::array<const PortRange*, group_max> rows{};
    std::array<std::uint32_t, group_max> hashes{};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        packets[i] = read_frame(inputs[i].frame);
        if (!packets[i] || !packets[i]->has_ports) continue;
        const PacketView& packet = *packets[i];
        rows[i] = services_->by_destination.find(packet.destination, packet.protocol,
                                                 packet.destination_port);
        hashes[i] =
            rows[i] != nullptr
                ? flows_.hash_of({packet.source, packet.source_port, packet.protocol})
                : flows_.hash_of({packet.destination, packet.destination_port, packet.protocol});
        flows_.expect(hashes[i]);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (hashes[i] != 0) flows_.expect_flow(hashes[i]);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!packets[i]) {
            verdicts[i] = drop_broken(inputs[i], packets[i].error());
            continue;
        }
        Work work{inputs[i], *packets[i], rows[i]};
        verdicts[i] = dispatch(work);
    }
}

}  // namespace poise::l4
