#include "ha/path.hpp"

#include "base/socket_address.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace poise::ha {

namespace {

constexpr std::size_t batch = 32;
constexpr std::size_t bytes_max = 1500;
constexpr int receive_buffer = 1 << 20;  // a flood must not push beats out at once
constexpr int expedited = 0xb8;          // DSCP EF: beats go before bulk where routers care

std::unexpected<std::string> failure(const char* what, const Address& local, int fd) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return std::unexpected(fmt::format(
        "cluster.bind: cannot {} {}: {}{}", what, to_string(local), std::strerror(error),
        error == EADDRNOTAVAIL ? "; no interface of this machine has that address" : ""));
}

}  // namespace

std::expected<Path, std::string> Path::open(const Address& local, const Address& peer) {
    const SocketAddress address(local);
    const int fd = ::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return failure("make a socket for", local, fd);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    // Beyond the system's limit, when this process may: a flood must leave room for beats.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer);
    if (address.family() == AF_INET) {
        ::setsockopt(fd, IPPROTO_IP, IP_TOS, &expedited, sizeof expedited);
    } else {
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &expedited, sizeof expedited);
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(fd, address.get(), address.length) != 0) return failure("listen on", local, fd);
    return Path(fd, local, peer);
}

Path::Path(Path&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      local_(other.local_),
      peer_(other.peer_),
      strangers_(other.strangers_),
      send_errors_(other.send_errors_) {}

Path::~Path() {
    if (fd_ >= 0) ::close(fd_);
}

std::size_t Path::receive(const std::function<void(std::span<const std::uint8_t>)>& take) {
    std::array<std::array<std::uint8_t, bytes_max>, batch> buffers;
    std::array<iovec, batch> pieces;
    std::array<sockaddr_storage, batch> sources;
    std::array<mmsghdr, batch> messages;
    std::size_t received = 0;
    while (received < receive_max) {
        for (std::size_t i = 0; i < batch; ++i) {
            pieces[i] = {buffers[i].data(), buffers[i].size()};
            messages[i] = {};
            messages[i].msg_hdr.msg_name = &sources[i];
            messages[i].msg_hdr.msg_namelen = sizeof sources[i];
            messages[i].msg_hdr.msg_iov = &pieces[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        const int n = ::recvmmsg(fd_, messages.data(), batch, MSG_DONTWAIT, nullptr);
        if (n <= 0) break;  // an ICMP error of a former send is read by this call too
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
            if (to_address(sources[i]).ip == peer_.ip) {
                take({buffers[i].data(), messages[i].msg_len});
            } else {
                ++strangers_;
            }
        }
        received += static_cast<std::size_t>(n);
        if (static_cast<std::size_t>(n) < batch) break;
    }
    return received;
}

void Path::send(std::span<const std::uint8_t> datagram) {
    const SocketAddress to(peer_);
    if (::sendto(fd_, datagram.data(), datagram.size(), MSG_DONTWAIT, to.get(), to.length) < 0)
        ++send_errors_;
}

}  // namespace poise::ha
