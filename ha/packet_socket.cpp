#include "ha/packet_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace poise::ha {

namespace {

std::error_code last_error() {
    return {errno, std::generic_category()};
}

std::uint16_t protocol_of(PacketSocket::Family family) {
    return htons(family == PacketSocket::Family::arp ? ETH_P_ARP : ETH_P_IPV6);
}

// Accepts ICMPv6 of the types 135 and 136 behind an Ethernet and an IPv6 header. ARP needs no
// filter but its protocol number.
bool attach_discovery_filter(int fd) {
    constexpr std::uint32_t next_header = 20, type = 54, accept = 0xffff;
    std::array<sock_filter, 6> code{{
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, next_header},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, IPPROTO_ICMPV6},
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, type},
        {BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 135},
        {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 136},
        {BPF_RET | BPF_K, 0, 0, 0},
    }};
    std::array<sock_filter, 7> whole{};
    std::ranges::copy(code, whole.begin());
    whole.back() = {BPF_RET | BPF_K, 0, 0, accept};
    const sock_fprog program{static_cast<unsigned short>(whole.size()), whole.data()};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

std::expected<PacketSocket, std::error_code> PacketSocket::open(Family family, unsigned interface) {
    // Without a protocol it hears nothing until it is bound, with the filter in force.
    PacketSocket made(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), interface);
    if (made.fd_ < 0) return std::unexpected(last_error());
    if (family == Family::ipv6 && !attach_discovery_filter(made.fd_))
        return std::unexpected(last_error());
    const int on = 1;
    ::setsockopt(made.fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = protocol_of(family);
    place.sll_ifindex = static_cast<int>(interface);
    if (::bind(made.fd_, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0)
        return std::unexpected(last_error());
    return made;
}

PacketSocket::~PacketSocket() {
    if (fd_ >= 0) ::close(fd_);
}

PacketSocket::PacketSocket(PacketSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), interface_(other.interface_) {}

PacketSocket& PacketSocket::operator=(PacketSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(interface_, other.interface_);
    return *this;
}

std::span<const std::byte> PacketSocket::receive(std::span<std::byte> room) const {
    for (int tries = 0; tries < 2; ++tries) {  // the first may give an old error of the socket
        const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
        if (got >= 0) return room.first(static_cast<std::size_t>(got));
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    }
    return {};
}

bool PacketSocket::send(const Frame& frame) const {
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_ifindex = static_cast<int>(interface_);
    const auto bytes = frame.bytes();
    return ::sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&place),
                    sizeof place) == static_cast<ssize_t>(bytes.size());
}

std::optional<Mac> interface_mac(const std::string& name) {
    if (name.size() >= IFNAMSIZ) return std::nullopt;
    const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    const bool got = any >= 0 && ::ioctl(any, SIOCGIFHWADDR, &request) == 0;
    if (any >= 0) ::close(any);
    if (!got || request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return std::nullopt;
    Mac mac{};
    for (std::size_t i = 0; i < mac.size(); ++i)
        mac[i] = static_cast<std::uint8_t>(request.ifr_hwaddr.sa_data[i]);
    return mac;
}

}  // namespace poise::ha
