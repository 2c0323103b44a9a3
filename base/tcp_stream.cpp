#include "base/tcp_stream.hpp"

#include "base/engine.hpp"
#include "base/socket_address.hpp"

#include <cerrno>
#include <netinet/tcp.h>
#include <unistd.h>

namespace poise {

// Each idle client has one.
static_assert(sizeof(TcpStream) <= 88);

IoResult TcpStream::try_read(std::span<char> into) {
    if (!readable()) return {Io::would_block};
    bool emptied = false;
    const IoResult read = receive(into, emptied);
    if (emptied) not_readable();
    return read;
}

IoResult TcpStream::try_write(std::span<const iovec> pieces) {
    if (!writable()) return {Io::would_block};
    return transmit(pieces);
}

IoResult TcpStream::try_read(Pipe& pipe, std::size_t bytes_max) {
    if (!readable()) return {Io::would_block};
    return receive(pipe, bytes_max);
}

IoResult TcpStream::try_write(Pipe& pipe) {
    if (!writable()) return {Io::would_block};
    return transmit(pipe);
}

bool TcpStream::quiet() {
    if (hung_up() || broken()) return false;
    if (readable() && !nothing_came()) return false;
    not_readable();
    keep_listening();
    return true;
}

void TcpStream::shutdown_send() noexcept {
    send_end();
}

void TcpStream::reset_on_close() noexcept {
    reset_at_close();
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
