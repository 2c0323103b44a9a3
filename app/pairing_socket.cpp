#include "app/pairing_socket.hpp"

#include "base/socket_address.hpp"
#include "config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace poise::app {

using namespace std::chrono_literals;

namespace {

constexpr auto connect_limit = 5s;
constexpr int waiting_max = 4;

Socket tcp_socket(int family) {
    return Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// False: not within the limit.
bool is_ready(int fd, short what, PairingTime until) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd watched{fd, what, 0};
    return ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) > 0;
}

Address own_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    return to_address(storage);
}

std::string cannot_listen(const Address& at, int error) {
    std::string text = fmt::format("cannot listen on {}: {}", to_string(at), std::strerror(error));
    if (error == EADDRINUSE)
        text +=
            "; another `poise pair offer` or a running Poise may have the port: choose "
            "another one by --listen, and name it to `poise pair join` as well";
    return text;
}

// Zero: connected; else the error.
int connect_within_limit(const Socket& socket, const Address& to) {
    const SocketAddress address(to);
    if (socket.fd() < 0) return errno;
    if (::connect(socket.fd(), address.get(), address.length) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!is_ready(socket.fd(), POLLOUT, std::chrono::steady_clock::now() + connect_limit))
        return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

}  // namespace

Socket::~Socket() {
    if (fd_ >= 0) ::close(fd_);
}

Socket& Socket::operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

std::expected<Socket, std::string> listen_for_pairing(const Address& at) {
    const SocketAddress address(at);
    Socket socket = tcp_socket(address.family());
    const int on = 1;
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (socket.fd() < 0 || ::bind(socket.fd(), address.get(), address.length) != 0 ||
        ::listen(socket.fd(), waiting_max) != 0)
        return std::unexpected(cannot_listen(at, errno));
    return socket;
}

std::expected<PairingConnection, std::string> accept_pairing(const Socket& listener,
                                                             PairingTime until) {
    while (is_ready(listener.fd(), POLLIN, until)) {
        sockaddr_storage source{};
        socklen_t size = sizeof source;
        Socket socket(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&source), &size,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket.fd() < 0) continue;  // it has gone again
        const Address local = own_address(socket.fd());
        return PairingConnection{std::move(socket), local, to_address(source)};
    }
    return std::unexpected("nobody has come within the time");
}

std::expected<PairingConnection, std::string> connect_for_pairing(const std::string& host) {
    const auto endpoint = config::parse_endpoint(host);
    if (!endpoint) return std::unexpected(fmt::format("'{}': {}", host, endpoint.error().message));
    const std::uint16_t given = endpoint->address ? endpoint->address->port : endpoint->port;
    const std::uint16_t port = given == 0 ? pairing_port : given;
    const std::string name = endpoint->address ? ip_to_string(*endpoint->address) : endpoint->host;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int unknown = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (unknown != 0) return std::unexpected(fmt::format("{}: {}", name, ::gai_strerror(unknown)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    int error = 0;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, each->ai_addr,
                    std::min<std::size_t>(each->ai_addrlen, sizeof storage));
        const Address to = to_address(storage);
        Socket socket = tcp_socket(each->ai_family);
        error = connect_within_limit(socket, to);
        if (error == 0) {
            const Address local = own_address(socket.fd());
            return PairingConnection{std::move(socket), local, to};
        }
    }
    return std::unexpected(fmt::format("cannot reach {}: {}; does `poise pair offer` wait there?",
                                       config::format_endpoint(name, port), std::strerror(error)));
}

}  // namespace poise::app
