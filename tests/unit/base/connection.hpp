// A TCP connection over loopback with a stream at this end, and what a test does with it.
#pragma once

#include "base/engine.hpp"
#include "base/task.hpp"
#include "base/tcp_stream.hpp"
#include "base/waiter.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>
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

// Of this thread.
inline std::chrono::nanoseconds cpu_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

inline std::string pattern(std::size_t bytes) {
    std::string text(bytes, ' ');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>('a' + i * 7 % 26);
    return text;
}

inline IoResult write_text(Stream& stream, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return stream.try_write({&piece, 1});
}

inline Task<void> run_script(Engine* engine, Task<void> (*script)(Waiter&, Connection&),
                             Connection* connection) {
    Waiter waiter(*engine);
    waiter.expires_after(std::chrono::seconds(10));
    co_await script(waiter, *connection);
    engine->stop();
}

inline void run(Engine& engine, Connection& connection,
                Task<void> (*script)(Waiter&, Connection&)) {
    bool threw = false;
    engine.on_exception = [&](const std::string& what) {
        threw = true;
        FAIL_CHECK(what);
        engine.stop();
    };
    engine.spawn(run_script, &engine, script, &connection);
    engine.run();
    CHECK_FALSE(threw);
}

// Lets `turns` turns of the loop pass.
inline Task<void> pass(Waiter& waiter, int turns = 4) {
    for (int i = 0; i < turns; ++i)
        co_await waiter.yield();
}

inline Task<void> sleep_for(Waiter& waiter, std::chrono::milliseconds time) {
    waiter.expires_after(time);
    while (co_await waiter.sleep() == Wake::ready) {
    }
    waiter.expires_after(std::chrono::seconds(10));
}

// Reads until `bytes` have come or the stream has ended ("|") or failed ("!").
inline Task<std::string> read_all(Waiter& waiter, Stream& stream, std::size_t bytes,
                                  std::size_t at_a_time = 3000) {
    std::string text;
    std::string room(at_a_time, ' ');
    while (text.size() < bytes) {
        const auto read = stream.try_read(room);
        text.append(room.data(), read.bytes);
        if (read.state == Io::end) co_return text + "|";
        if (read.state == Io::failed) co_return text + "!";
        if (read.ok()) continue;
        stream.want(waiter, Direction::read);
        if (co_await waiter.sleep() != Wake::ready) co_return text + "?";
    }
    co_return text;
}

inline Task<void> write_all(Waiter& waiter, Stream& stream, std::string_view text) {
    while (!text.empty()) {
        const auto written = write_text(stream, text);
        REQUIRE(written.state != Io::failed);
        text.remove_prefix(written.bytes);
        if (written.ok()) continue;
        stream.want(waiter, Direction::write);
        REQUIRE(co_await waiter.sleep() == Wake::ready);
    }
}

}  // namespace poise
