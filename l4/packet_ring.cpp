#include "l4/packet_ring.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::l4 {

namespace {

// virtio_net_hdr, whose own header is not C++.
struct VnetHeader {
    std::uint8_t flags;
    std::uint8_t segment_kind;
    std::uint16_t header_bytes;
    std::uint16_t segment_bytes;
    std::uint16_t checksum_start;
    std::uint16_t checksum_offset;
};
constexpr std::uint8_t needs_checksum = 1;
constexpr std::size_t beside_bytes = sizeof(VnetHeader);
static_assert(beside_bytes == 10);

constexpr std::size_t own_bytes_max = 1'536;

constexpr bool has_whole_blocks(const RingShape& shape) {
    return shape.places % shape.places_in_block == 0 &&
           shape.place_bytes * shape.places_in_block % 4'096 == 0;
}
static_assert(has_whole_blocks(packets_shape) && has_whole_blocks(syns_shape) &&
              has_whole_blocks(datagrams_shape));

bool set(int fd, int option, int value) {
    return ::setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

std::string failure(const char* what) {
    const int error = errno;
    const bool rights = error == EPERM || error == EACCES;
    return fmt::format("layer 4: {}: {}{}", what, std::strerror(error),
                       rights ? "; it needs root, or CAP_NET_RAW and CAP_NET_ADMIN" : "");
}

bool attach(int fd, std::span<const FilterStep> steps) {
    sock_fprog program{};
    program.len = static_cast<unsigned short>(steps.size());
    // The kernel copies it.
    program.filter = reinterpret_cast<sock_filter*>(const_cast<FilterStep*>(steps.data()));
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

// What one sendmmsg() gets.
struct PacketRing::Sending {
    static constexpr std::size_t most = batch_max + own_max;  // what was received, and our own

    std::array<mmsghdr, most> messages{};
    std::array<iovec, most> parts{};
    std::array<sockaddr_ll, most> targets{};
    std::array<std::array<std::uint8_t, beside_bytes + own_bytes_max>, own_max> own{};
    std::size_t count = 0;
    std::size_t own_count = 0;

    void add(std::uint8_t* data, std::size_t bytes, int interface) {
        assert(count < most);
        parts[count] = {data, bytes};
        sockaddr_ll& to = targets[count];
        to.sll_family = AF_PACKET;
        to.sll_ifindex = interface;
        to.sll_halen = ETH_ALEN;
        to.sll_protocol = htons(ETH_P_IP);
        // After the Ethernet header, so that the device knows what it carries.
        std::memcpy(&to.sll_protocol, data + beside_bytes + 12, sizeof to.sll_protocol);
        messages[count] = {};
        messages[count].msg_hdr.msg_name = &to;
        messages[count].msg_hdr.msg_namelen = sizeof to;
        messages[count].msg_hdr.msg_iov = &parts[count];
        messages[count].msg_hdr.msg_iovlen = 1;
        ++count;
    }
};

PacketRing::PacketRing(const RingShape& shape)
    : shape_(shape), to_send_(std::make_unique<Sending>()) {}

std::expected<std::unique_ptr<PacketRing>, std::string> PacketRing::open(const RingShape& shape,
                                                                         Family family) {
    std::unique_ptr<PacketRing> ring(new PacketRing(shape));
    ring->packets_.reserve(batch_max);
    // Protocol 0: nothing arrives before the ring and the filter are there.
    ring->receiving_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ring->sending_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ring->receiving_ < 0 || ring->sending_ < 0)
        return std::unexpected(failure("cannot open a packet socket"));
    const int fd = ring->receiving_;
    const FilterStep nothing{BPF_RET | BPF_K, 0, 0, 0};
    if (!attach(fd, {&nothing, 1}) || !set(fd, PACKET_VERSION, TPACKET_V2) ||
        !set(fd, PACKET_VNET_HDR, 1) || !set(ring->sending_, PACKET_VNET_HDR, 1))
        return std::unexpected(failure("cannot set up a packet socket"));
    set(ring->sending_, PACKET_QDISC_BYPASS, 1);
    const int buffer = 8 << 20;
    ::setsockopt(ring->sending_, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);

    tpacket_req request{};
    request.tp_block_size = static_cast<unsigned>(shape.place_bytes * shape.places_in_block);
    request.tp_frame_size = static_cast<unsigned>(shape.place_bytes);
    request.tp_block_nr = static_cast<unsigned>(shape.places / shape.places_in_block);
    request.tp_frame_nr = static_cast<unsigned>(shape.places);
    if (::setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
        return std::unexpected(failure("no memory for the ring of packets"));
    ring->memory_bytes_ = shape.place_bytes * shape.places;
    void* memory = ::mmap(nullptr, ring->memory_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return std::unexpected(failure("cannot map the ring of packets"));
    ring->memory_ = static_cast<std::uint8_t*>(memory);

    sockaddr_ll everywhere{};
    everywhere.sll_family = AF_PACKET;
    everywhere.sll_protocol = htons(family == Family::v4 ? ETH_P_IP : ETH_P_IPV6);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&everywhere), sizeof everywhere) != 0)
        return std::unexpected(failure("cannot bind a packet socket"));
    return ring;
}

PacketRing::~PacketRing() {
    if (memory_ != nullptr) ::munmap(memory_, memory_bytes_);
    if (receiving_ >= 0) ::close(receiving_);
    if (sending_ >= 0) ::close(sending_);
}

bool PacketRing::set_filter(std::span<const FilterStep> steps) {
    return attach(receiving_, steps);
}

std::expected<void, std::string> PacketRing::share(std::uint16_t& group, int program) {
    const bool first = group == 0;
    const int flags = first ? PACKET_FANOUT_EBPF | PACKET_FANOUT_FLAG_UNIQUEID : PACKET_FANOUT_EBPF;
    int joined = group | flags << 16;
    socklen_t bytes = sizeof joined;
    if (!set(receiving_, PACKET_FANOUT, joined) ||
        ::getsockopt(receiving_, SOL_PACKET, PACKET_FANOUT, &joined, &bytes) != 0 ||
        (first && !set(receiving_, PACKET_FANOUT_DATA, program)))
        return std::unexpected(failure("cannot share packets among several threads"));
    group = static_cast<std::uint16_t>(joined & 0xffff);
    return {};
}

std::uint8_t* PacketRing::place(std::size_t number) const {
    return memory_ + number * shape_.place_bytes;
}

std::span<RingPacket> PacketRing::receive(std::size_t limit) {
    assert(taken_ == 0 && limit <= batch_max);
    packets_.clear();
    while (taken_ < limit) {
        std::uint8_t* const at = place((next_ + taken_) % shape_.places);
        auto* const header = reinterpret_cast<tpacket2_hdr*>(at);
        std::atomic_ref<std::uint32_t> status(header->tp_status);
        if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) break;
        ++taken_;
        sockaddr_ll from{};
        std::memcpy(&from, at + TPACKET_ALIGN(sizeof(tpacket2_hdr)), sizeof from);
        VnetHeader beside{};
        std::memcpy(&beside, at + header->tp_mac - beside_bytes, sizeof beside);
        const bool whole = header->tp_snaplen == header->tp_len;
        packets_.push_back({{at + header->tp_mac, whole ? header->tp_snaplen : 0},
                            {(beside.flags & needs_checksum) != 0, beside.segment_bytes},
                            from.sll_ifindex});
    }
    return packets_;
}

void PacketRing::queue(std::size_t packet, int interface) {
    assert(packet < packets_.size());
    const RingPacket& one = packets_[packet];
    std::uint8_t* const beside = one.frame.data() - beside_bytes;
    if (!one.offload.partial_checksum) {
        // Its checksum is whole now, whatever was to be done before.
        auto* const header = reinterpret_cast<VnetHeader*>(beside);
        header->flags = 0;
    }
    to_send_->add(beside, beside_bytes + one.frame.size(), interface);
}

void PacketRing::queue_own(std::span<const std::uint8_t> frame, int interface) {
    assert(frame.size() <= own_bytes_max);
    if (to_send_->own_count == to_send_->own.size()) return;
    auto& own = to_send_->own[to_send_->own_count++];
    std::memset(own.data(), 0, beside_bytes);
    std::memcpy(own.data() + beside_bytes, frame.data(), frame.size());
    to_send_->add(own.data(), beside_bytes + frame.size(), interface);
}

// A packet that the kernel refuses must not hold up those behind it.
std::size_t PacketRing::flush() {
    std::size_t lost = 0;
    for (std::size_t at = 0; at < to_send_->count;) {
        const auto left = static_cast<unsigned>(to_send_->count - at);
        const int sent = ::sendmmsg(sending_, &to_send_->messages[at], left, MSG_DONTWAIT);
        if (sent > 0) {
            at += static_cast<std::size_t>(sent);
        } else if (errno != EINTR) {
            ++lost;
            ++at;
        }
    }
    to_send_->count = to_send_->own_count = 0;
    return lost;
}

void PacketRing::release() {
    for (std::size_t i = 0; i < taken_; ++i) {
        auto* const header = reinterpret_cast<tpacket2_hdr*>(place((next_ + i) % shape_.places));
        std::atomic_ref<std::uint32_t> status(header->tp_status);
        status.store(TP_STATUS_KERNEL, std::memory_order_release);
    }
    next_ = (next_ + taken_) % shape_.places;
    taken_ = 0;
}

std::uint64_t PacketRing::take_losses() {
    tpacket_stats stats{};
    socklen_t bytes = sizeof stats;
    if (::getsockopt(receiving_, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) != 0) return 0;
    return stats.tp_drops;
}

}  // namespace poise::l4
