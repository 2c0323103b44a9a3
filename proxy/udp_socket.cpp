#include "proxy/udp_socket.hpp"

#include "base/socket_address.hpp"
#include "proxy/listener.hpp"

#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::proxy {

namespace {

// A burst of all clients waits here while a worker does something else. The kernel grants more
// than net.core.rmem_max to root only.
constexpr int buffer_bytes = 4 << 20;

void set_option(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

void enlarge_buffers(int fd) {
    // The forced one fails without CAP_NET_ADMIN and leaves the other in force.
    set_option(fd, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
    set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes);
    set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer_bytes);
}

// The error is an errno.
std::expected<int, int> open_at(const Address& address, bool floating = false) {
    const SocketAddress to(address);
    const int fd = ::socket(to.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(errno);
    // Not SO_REUSEADDR: with UDP it lets another program that sets it, too, take all datagrams.
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    enlarge_buffers(fd);
    if (floating) set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);  // serves IPv6 as well
    if (to.family() == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.is_any() ? 0 : 1);
        if (address.is_any()) set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    } else if (address.is_any()) {
        set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
    if (::bind(fd, to.get(), to.length) != 0) {
        const int error = errno;
        ::close(fd);
        return std::unexpected(error);
    }
    return fd;
}

}  // namespace

std::expected<int, std::string> open_udp_listener(const Address& address, bool floating) {
    auto opened = open_at(address, floating);
    // ":53" means every address there is: on a machine without IPv6, those of IPv4.
    const bool every = address.is_any() && !address.is_v4();
    if (!opened && every && (opened.error() == EAFNOSUPPORT || opened.error() == EADDRNOTAVAIL)) {
        auto v4 = *parse_ip("0.0.0.0");
        v4.port = address.port;
        opened = open_at(v4);
    }
    if (!opened)
        return std::unexpected(listen_error(address, config::Transport::udp, opened.error()));
    return *opened;
}

UdpDoor udp_door(int fd) {
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
    return {fd, bound.ss_family == AF_INET6, to_address(bound).is_any()};
}

// A socket that is connected hears its peer alone, and SO_REUSEPORT passes over it.
void stop_hearing(const UdpDoor& door) {
    Address nobody = *parse_ip(door.v6 ? "::1" : "127.0.0.1");
    nobody.port = 9;  // discard: says nothing
    const SocketAddress to(nobody);
    // If it fails, on a machine without loopback, a datagram may come until the socket is closed.
    [[maybe_unused]] const int done = ::connect(door.fd, to.get(), to.length);
}

std::expected<int, int> connect_udp(const Address& server) {
    const SocketAddress to(server);
    const int fd = ::socket(to.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(errno);
    if (::connect(fd, to.get(), to.length) == 0) return fd;
    const int error = errno;
    ::close(fd);
    return std::unexpected(error);
}

}  // namespace poise::proxy
