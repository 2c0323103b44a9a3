// A TCP connection over loopback with a stream at this end.
#pragma once

#include "base/tcp_stream.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace poise {

// The other end is a plain blocking descriptor. `buffer`: how much each end's socket holds; 0: as
// the kernel likes.
struct Connection {
    explicit Connection(Engine& engine, int buffer = 0) {
        const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof name;
        auto* address = reinterpret_cast<sockaddr*>(&name);
        REQUIRE(::bind(listening, address, length) == 0);
        REQUIRE(::listen(listening, 1) == 0);
        REQUIRE(::getsockname(listening, address, &length) == 0);
        peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (buffer > 0) ::setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        REQUIRE(::connect(peer, address, length) == 0);
        const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        REQUIRE(fd >= 0);
        ::close(listening);
        if (buffer > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        stream = std::make_unique<TcpStream>(engine, fd, Direction::both);
    }
    ~Connection() {
        if (peer >= 0) ::close(peer);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void peer_says(const std::string& bytes) const {
        std::size_t at = 0;
        while (at < bytes.size()) {
            const auto n = ::send(peer, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
            REQUIRE(n > 0);
            at += static_cast<std::size_t>(n);
        }
    }
    // What the peer gets within `limit`; "|" at its end stands for the end of the stream, "!" for
    // a reset.
    std::string peer_hears(std::chrono::milliseconds limit = std::chrono::milliseconds(200)) const {
        std::string heard;
        std::array<char, 65'536> bytes;
        for (;;) {
            pollfd watched{peer, POLLIN, 0};
            if (::poll(&watched, 1, static_cast<int>(limit.count())) == 0) return heard;
            const auto n = ::recv(peer, bytes.data(), bytes.size(), 0);
            if (n == 0) return heard + "|";
            if (n < 0) return heard + "!";
            heard.append(bytes.data(), static_cast<std::size_t>(n));
        }
    }

    std::unique_ptr<Stream> stream;
    int peer = -1;
};

}  // namespace poise
