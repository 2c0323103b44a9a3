// The origin's event loop: one thread, one epoll set, one listener.
#include "bench/origin/server.hpp"

#include "bench/origin/connection.hpp"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace poise::origin {

namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_turn = 64;  // so that a flood of connects does not starve the rest

struct Client {
    std::unique_ptr<Connection> connection;
    std::uint32_t events = 0;  // what epoll watches now
    Clock::time_point wake{};
};

class Loop {
public:
    Loop(int listener, int signals, std::string name)
        : set_(::epoll_create1(EPOLL_CLOEXEC)),
          listener_(listener),
          signals_(signals),
          name_(std::move(name)) {
        watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
        watch(signals_, EPOLL_CTL_ADD, EPOLLIN);
    }
    ~Loop() {
        clients_.clear();
        ::close(set_);
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run() {
        std::array<epoll_event, 256> events;
        while (true) {
            const int ready = ::epoll_wait(set_, events.data(), events.size(), wait_milliseconds());
            for (int i = 0; i < ready; ++i) {
                const int descriptor = events[i].data.fd;
                if (descriptor == signals_) return;
                if (descriptor == listener_) {
                    accept_some();
                } else {
                    handle(descriptor, events[i].events);
                }
            }
            wake_due();
        }
    }

private:
    void watch(int descriptor, int operation, std::uint32_t wanted) {
        epoll_event event{};
        event.events = wanted;
        event.data.fd = descriptor;
        ::epoll_ctl(set_, operation, descriptor, &event);
    }

    void accept_some() {
        for (int i = 0; i < accepts_per_turn; ++i) {
            const int descriptor =
                ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor < 0) return;
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (clients_.size() <= static_cast<std::size_t>(descriptor)) {
                clients_.resize(static_cast<std::size_t>(descriptor) + 1);
            }
            Client& client = clients_[static_cast<std::size_t>(descriptor)];
            client.connection = std::make_unique<Connection>(descriptor, name_, counters_);
            client.events = EPOLLIN;
            watch(descriptor, EPOLL_CTL_ADD, EPOLLIN);
        }
    }

    void handle(int descriptor, std::uint32_t events) {
        Client& client = clients_[static_cast<std::size_t>(descriptor)];
        if (!client.connection) return;
        const bool write_only = (events & EPOLLOUT) != 0;
        Wants wants = write_only ? client.connection->resume() : client.connection->on_readable();
        apply(descriptor, wants);
        const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
        if (broken && client.connection && !wants.read) {
            wants.closed = true;
            apply(descriptor, wants);
        }
    }

    void apply(int descriptor, const Wants& wants) {
        Client& client = clients_[static_cast<std::size_t>(descriptor)];
        if (client.wake != wants.wake) {
            if (client.wake != Clock::time_point{}) forget_wake(descriptor, client.wake);
            client.wake = wants.closed ? Clock::time_point{} : wants.wake;
            if (client.wake != Clock::time_point{}) wakes_.emplace(client.wake, descriptor);
        }
        if (wants.closed) {
            if (client.wake != Clock::time_point{}) forget_wake(descriptor, client.wake);
            client = Client{};
            return;
        }
        const std::uint32_t events = (wants.read ? EPOLLIN : 0U) | (wants.write ? EPOLLOUT : 0U);
        if (events == client.events) return;
        client.events = events;
        watch(descriptor, EPOLL_CTL_MOD, events);
    }

    void forget_wake(int descriptor, Clock::time_point when) {
        auto [at, end] = wakes_.equal_range(when);
        while (at != end && at->second != descriptor)
            ++at;
        if (at != end) wakes_.erase(at);
    }

    int wait_milliseconds() const {
        if (wakes_.empty()) return -1;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(wakes_.begin()->first - Clock::now());
        return std::max(0, static_cast<int>(left.count()));
    }

    void wake_due() {
        const auto now = Clock::now();
        while (!wakes_.empty() && wakes_.begin()->first <= now) {
            const int descriptor = wakes_.begin()->second;
            wakes_.erase(wakes_.begin());
            Client& client = clients_[static_cast<std::size_t>(descriptor)];
            client.wake = {};
            apply(descriptor, client.connection->resume());
        }
    }

    int set_;
    int listener_;
    int signals_;
    std::string name_;
    Counters counters_;
    std::vector<Client> clients_;                  // by descriptor
    std::multimap<Clock::time_point, int> wakes_;  // paced answers
};

/// A bound, listening, non-blocking socket, or -1 with `error` set.
int open_listener(const Options& options, std::string& error) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &found) != 0) {
        error = "'" + options.host + ":" + options.port + "' is no numeric address and port";
        return -1;
    }
    const int listener = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool ready = listener >= 0 && ::bind(listener, found->ai_addr, found->ai_addrlen) == 0 &&
                       ::listen(listener, backlog) == 0;
    ::freeaddrinfo(found);
    if (ready) return listener;
    error = "cannot listen on " + options.host + ":" + options.port + ": " + std::strerror(errno);
    if (listener >= 0) ::close(listener);
    return -1;
}

void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::string serve(const Options& options) {
    raise_file_limit();
    std::string error;
    const int listener = open_listener(options, error);
    if (listener < 0) return error;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    ::sigprocmask(SIG_BLOCK, &stop, nullptr);
    const int signals = ::signalfd(-1, &stop, SFD_CLOEXEC);
    Loop(listener, signals, options.name).run();
    ::close(signals);
    ::close(listener);
    return {};
}

}  // namespace poise::origin
