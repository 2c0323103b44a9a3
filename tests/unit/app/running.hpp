// A Poise that runs inside a test: its control thread, servers for it and a client, on loopback.
#pragma once

#include "app/runtime.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace poise::app::test {

/// A folder of its own, removed with all that is in it.
struct Folder {
    Folder() {
        std::string made = (std::filesystem::temp_directory_path() / "poise-test-XXXXXX").string();
        REQUIRE(::mkdtemp(made.data()) != nullptr);
        path = made;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
        return (path / name).string();
    }

    std::filesystem::path path;
};

/// True as soon as `done` holds, false when it has not within ten seconds.
template <typename Done>
bool wait_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::yield();
    }
    return true;
}

/// A socket that gives up after ten seconds.
class Socket {
public:
    Socket() : Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    explicit Socket(int fd) : fd_(fd) {
        constexpr timeval limit{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    bool connect(std::uint16_t port) const {
        const sockaddr_in to = loopback(port);
        return ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    bool bind(std::uint16_t port) const {
        const sockaddr_in at = loopback(port);
        return ::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    }
    std::uint16_t bind() const {
        sockaddr_in at = loopback(0);
        socklen_t length = sizeof at;
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length) == 0);
        return ntohs(at.sin_port);
    }
    void send(const std::string& text) const {
        [[maybe_unused]] const auto ignored = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    /// Until `end` has come, or the peer has ended.
    std::string receive(const std::string& end = {}) const {
        std::string text;
        char block[4096];
        while (end.empty() || text.find(end) == std::string::npos) {
            const auto n = ::recv(fd_, block, sizeof block, 0);
            if (n <= 0) break;
            text.append(block, static_cast<std::size_t>(n));
        }
        return text;
    }
    int fd() const { return fd_; }

private:
    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

    int fd_;
};

/// A port that neither TCP nor UDP uses now.
inline std::uint16_t free_port() {
    for (;;) {
        const Socket tcp;
        const Socket udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const auto port = tcp.bind();
        if (udp.bind(port)) return port;
    }
}

inline std::string at(std::uint16_t port) {
    return "127.0.0.1:" + std::to_string(port);
}

/// Sends `text` and returns all that comes until the connection ends.
inline std::string talk(std::uint16_t port, const std::string& text) {
    const Socket socket;
    if (!socket.connect(port)) return "no connection";
    socket.send(text);
    return socket.receive();
}

inline std::string get(std::uint16_t port) {
    return talk(port, "GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
}

/// A server that reads a head from each connection, then says `answer` and closes.
class Origin {
public:
    explicit Origin(std::string answer) : answer_(std::move(answer)) {
        port_ = listening_.bind();
        REQUIRE(::listen(listening_.fd(), 64) == 0);
        thread_ = std::thread([this] { run(); });
    }
    ~Origin() {
        stopping_ = true;
        ::shutdown(listening_.fd(), SHUT_RDWR);
        thread_.join();
    }

    std::uint16_t port() const { return port_; }
    int accepted() const { return accepted_; }

private:
    void run() {
        for (;;) {
            const Socket accepted(::accept(listening_.fd(), nullptr, nullptr));
            if (stopping_ || accepted.fd() < 0) return;
            ++accepted_;
            if (!accepted.receive("\r\n\r\n").empty()) accepted.send(answer_);
        }
    }

    const std::string answer_;
    Socket listening_;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

constexpr const char* fine =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfine\n";

/// Started from the text of a poise.yaml, with one control thread, until it is destroyed.
class Running {
public:
    explicit Running(const std::string& yaml, unsigned workers = 2)
        : config_path_(folder_.write("poise.yaml", yaml)) {
        auto opened = Log::open({.least = Severity::error, .path = "/dev/null"});
        REQUIRE(opened.has_value());
        log_ = std::move(*opened);
        auto config = config::load_config(config_path_);
        if (!config) FAIL(config::to_string(config.error().front()));
        RuntimeOptions options;
        options.config = std::move(*config);
        options.node.workers = static_cast<int>(workers);
        options.config_path = config_path_;
        options.control_path = control();
        runtime_ = std::make_unique<Runtime>(std::move(options), *log_);
        const auto started = runtime_->start();
        if (!started) FAIL(started.error());
        thread_ = std::thread([this] { runtime_->run(); });
    }
    ~Running() {
        boost::asio::post(runtime_->executor(), [this] { runtime_->stop_now(); });
        if (thread_.joinable()) thread_.join();
    }

    void write_config(const std::string& yaml) { folder_.write("poise.yaml", yaml); }
    void join() { thread_.join(); }  // when it has been told to end
    Runtime& runtime() { return *runtime_; }
    std::string control() const { return (folder_.path / "control").string(); }

    /// What `ask(runtime)` gives, asked on the control thread. Any thread may call.
    template <typename Ask>
    auto on_control(Ask ask) {
        using Result = decltype(ask(*runtime_));
        auto task =
            std::make_shared<std::packaged_task<Result()>>([this, ask] { return ask(*runtime_); });
        boost::asio::post(runtime_->executor(), [task] { (*task)(); });
        return task->get_future().get();
    }
    Status status() {
        return on_control([](const Runtime& runtime) { return runtime.status(); });
    }

private:
    const Folder folder_;
    const std::string config_path_;
    std::unique_ptr<Log> log_;
    std::unique_ptr<Runtime> runtime_;
    std::thread thread_;
};

}  // namespace poise::app::test
