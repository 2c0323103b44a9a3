// Packets from and to the network by AF_PACKET: a ring that the kernel fills, whose packets are
// changed in place and sent on from there.
#pragma once

#include "l4/packet.hpp"
#include "l4/services.hpp"
#include "l4/socket_filter.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace poise::l4 {

/// A packet in the ring. Valid until release().
struct RingPacket {
    std::span<std::uint8_t> frame;
    Offload offload;
    int interface = 0;  // the kernel's index
};

/// `places` of `place_bytes` each; what the kernel puts before a frame takes at most 128 of them.
struct RingShape {
    std::size_t place_bytes;
    std::size_t places;
    std::size_t places_in_block;  // a block is whole pages
};

/// A super-packet of 64 KiB fits into each place.
constexpr RingShape packets_shape{69'632, 1'024, 16};
/// As many SYNs as a flood brings while the thread waits for its core.
constexpr RingShape syns_shape{512, 16'384, 256};
static_assert(syn_frame_max + 128 <= syns_shape.place_bytes);
/// Datagrams begin flows as often as SYNs do, and a burst of them waits in the same way.
constexpr RingShape datagrams_shape{2'048, 8'192, 64};
static_assert(datagram_frame_max + 128 <= datagrams_shape.place_bytes);

/// Of one of `rings` that share a tap: all of them take as much memory as one alone.
constexpr RingShape shape_of(Tapped tap, unsigned rings) {
    RingShape shape = packets_shape;
    if (tap == Tapped::syns) shape = syns_shape;
    if (tap == Tapped::datagrams) shape = datagrams_shape;
    shape.places = shape.places / rings / shape.places_in_block * shape.places_in_block;
    return shape;
}

enum class Family : std::uint8_t { v4, v6 };
constexpr std::size_t family_count = 2;

/// One thread receives and sends; set_filter() may be called by another.
class PacketRing {
public:
    static constexpr std::size_t batch_max = 64;
    static constexpr std::size_t own_max = 192;  // packets of our own for each flush()

    /// For packets of `family`, behind tcx and before netfilter. Takes nothing before set_filter().
    /// The error says what is missing.
    static std::expected<std::unique_ptr<PacketRing>, std::string> open(const RingShape& shape,
                                                                        Family family);
    ~PacketRing();
    PacketRing(const PacketRing&) = delete;
    PacketRing& operator=(const PacketRing&) = delete;

    bool set_filter(std::span<const FilterStep> steps);
    /// Joins those that share their packets, each of which is for the one that `program`, a
    /// descriptor, says (PACKET_FANOUT_EBPF), in the order in which they joined. The first one has
    /// `group` 0, and gets the group's number there. All of a group have the same filter.
    std::expected<void, std::string> share(std::uint16_t& group, int program);

    /// For poll(): readable when there is a packet.
    int fd() const { return receiving_; }

    /// The packets that are there, at most `limit` (to batch_max); those before must have been
    /// released.
    std::span<RingPacket> receive(std::size_t limit);
    /// To be sent by flush(), as it is then, over the interface.
    void queue(std::size_t packet, int interface);
    /// A packet of our own, copied.
    void queue_own(std::span<const std::uint8_t> frame, int interface);
    /// Sends what is queued. Returns how many the kernel did not take.
    std::size_t flush();
    /// Gives the places of the last receive() back to the kernel.
    void release();

    /// Packets that found no place since the last call.
    std::uint64_t take_losses();

private:
    explicit PacketRing(const RingShape& shape);
    struct Sending;

    std::uint8_t* place(std::size_t number) const;

    const RingShape shape_;
    int receiving_ = -1;
    int sending_ = -1;
    std::uint8_t* memory_ = nullptr;
    std::size_t memory_bytes_ = 0;
    std::size_t next_ = 0;
    std::size_t taken_ = 0;
    std::vector<RingPacket> packets_;
    std::unique_ptr<Sending> to_send_;
};

}  // namespace poise::l4
