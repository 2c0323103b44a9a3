#include "base/tcp_stream.hpp"

#include "base/engine.hpp"
#include "base/socket_address.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace poise {

IoResult TcpStream::try_read(std::span<char> into) {
    assert(!into.empty());
    if (!readable()) return {Io::would_block};
    ssize_t n = 0;
    do
        n = ::recv(fd(), into.data(), into.size(), 0);
    while (n < 0 && errno == EINTR);
    if (n == 0) return {Io::end};
    if (n < 0) {
        if (errno != EAGAIN) return {Io::failed, errno};
        not_readable();
        return {Io::would_block};
    }
    const auto bytes = static_cast<std::size_t>(n);
    // A short read has emptied the socket: the next bytes bring an event. Unless the end is
    // there already, whose event has come and will not come again.
    if (bytes < into.size() && !hung_up()) not_readable();
    return {Io::ok, 0, bytes};
}

IoResult TcpStream::try_write(std::span<const iovec> pieces, bool more) {
    assert(!pieces.empty());
    if (!writable()) return {Io::would_block};
    const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t n = 0;
    do {
        if (pieces.size() == 1) {
            n = ::send(fd(), pieces[0].iov_base, pieces[0].iov_len, flags);
        } else {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(pieces.data());
            message.msg_iovlen = pieces.size();
            n = ::sendmsg(fd(), &message, flags);
        }
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return {Io::ok, 0, static_cast<std::size_t>(n)};
    if (errno != EAGAIN) return {Io::failed, errno};
    not_writable();
    return {Io::would_block};
}

IoResult TcpStream::try_read(Pipe& pipe, std::size_t bytes_max) {
    assert(pipe.held() == 0);
    assert(bytes_max > 0);
    if (!readable()) return {Io::would_block};
    ssize_t n = 0;
    do
        n = ::splice(fd(), nullptr, pipe.in(), nullptr, bytes_max,
                     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n == 0) return {Io::end};
    if (n > 0) {
        pipe.added(static_cast<std::size_t>(n));
        return {Io::ok, 0, static_cast<std::size_t>(n)};
    }
    if (errno != EAGAIN) return {Io::failed, errno};
    not_readable();  // the pipe is empty, so it is the socket that has nothing
    return {Io::would_block};
}

IoResult TcpStream::try_write(Pipe& pipe) {
    assert(pipe.held() > 0);
    if (!writable()) return {Io::would_block};
    ssize_t n = 0;
    do
        n = ::splice(pipe.out(), nullptr, fd(), nullptr, pipe.held(),
                     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        pipe.removed(static_cast<std::size_t>(n));
        return {Io::ok, 0, static_cast<std::size_t>(n)};
    }
    if (n == 0 || errno != EAGAIN) return {Io::failed, n == 0 ? EPIPE : errno};
    not_writable();
    return {Io::would_block};
}

bool TcpStream::quiet() {
    if (hung_up() || broken()) return false;
    if (!readable()) return true;
    char byte = 0;
    const bool nothing = ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
    if (nothing) not_readable();
    return nothing;
}

void TcpStream::shutdown_send() noexcept {
    ::shutdown(fd(), SHUT_WR);  // the peer may have gone already: nothing to do about it
}

void TcpStream::reset_on_close() noexcept {
    const linger now{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::expected<std::unique_ptr<Stream>, int> start_connect(Engine& engine, const Address& to) {
    const SocketAddress address(to);
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(errno);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int done = ::connect(fd, address.get(), address.length);
    if (done != 0 && errno != EINPROGRESS) {
        const int error = errno;
        ::close(fd);
        return std::unexpected(error);
    }
    // A pending connection is not writable until its event; nothing is readable before a write.
    auto stream =
        std::make_unique<TcpStream>(engine, fd, done == 0 ? Direction::write : Direction{0});
    stream->set_peer(to);
    return stream;
}

int connect_error(const Stream& stream) {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    return error;
}

void probe_dead_peers(int fd) {
    const auto set = [fd](int level, int option, int value) {
        ::setsockopt(fd, level, option, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
    set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

Address local_address(int fd) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
    return to_address(storage);
}

}  // namespace poise
