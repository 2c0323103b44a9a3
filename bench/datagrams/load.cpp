// The load: clients that send a datagram for each answer, over one epoll set.
#include "bench/datagrams/load.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace poise::datagrams {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds patience{200};
constexpr std::chrono::milliseconds wait_max{50};

struct Stamp {             // what each datagram starts with
    std::uint64_t number;  // counted from a number of the run: an older run's answers do not count
    std::int64_t sent_ns;
};

struct Client {
    int fd = -1;
    std::uint64_t next = 0;  // number of the next datagram
    unsigned out = 0;        // datagrams without an answer
    Clock::time_point heard;
};

class Load {
public:
    explicit Load(const Options& options)
        : options_(options), clients_(options.clients), bytes_(options.bytes, 'x') {
        latencies_us_.reserve(1 << 20);
        first_ = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
        for (Client& client : clients_)
            client.next = first_;
    }
    ~Load() {
        for (const Client& client : clients_)
            if (client.fd >= 0) ::close(client.fd);
        if (epoll_ >= 0) ::close(epoll_);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    std::string run();

private:
    bool open(Client& client);
    void fill_window(Client& client);
    void answers(Client& client);
    void give_up_late(Clock::time_point now);
    void forgive(Clock::duration pause, Clock::time_point now);
    void print(Clock::duration taken);

    const Options& options_;
    std::vector<Client> clients_;
    std::vector<char> bytes_;
    std::vector<std::uint32_t> latencies_us_;
    int epoll_ = -1;
    std::uint64_t first_ = 0;
    std::uint64_t lost_ = 0, wrong_ = 0;
};

bool Load::open(Client& client) {
    if (client.fd >= 0) ::close(client.fd);
    client.fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client.fd < 0) return false;
    const auto* to = reinterpret_cast<const sockaddr*>(&options_.at);
    if (::connect(client.fd, to, sizeof options_.at) != 0) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    client.out = 0;
    client.heard = Clock::now();
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event) == 0;
}

void Load::fill_window(Client& client) {
    while (client.out < options_.window) {
        const Stamp stamp{client.next++, Clock::now().time_since_epoch().count()};
        std::memcpy(bytes_.data(), &stamp, sizeof stamp);
        if (::send(client.fd, bytes_.data(), bytes_.size(), 0) < 0) return;
        ++client.out;
    }
}

void Load::answers(Client& client) {
    static constexpr std::size_t bytes_max = 65'536;
    std::array<char, bytes_max> answer;
    const ssize_t n = ::recv(client.fd, answer.data(), answer.size(), 0);
    if (n < 0) return;
    Stamp stamp{};
    std::memcpy(&stamp, answer.data(), std::min<std::size_t>(sizeof stamp, answer.size()));
    const auto now = Clock::now();
    if (stamp.number < first_) return;
    if (static_cast<std::size_t>(n) != bytes_.size() || stamp.number >= client.next) {
        ++wrong_;
        return;
    }
    latencies_us_.push_back(
        static_cast<std::uint32_t>((now.time_since_epoch().count() - stamp.sent_ns) / 1'000));
    client.heard = now;
    if (client.out > 0) --client.out;
    if (options_.fresh && !open(client)) return;
    fill_window(client);
}

void Load::give_up_late(Clock::time_point now) {
    for (Client& client : clients_) {
        if (now - client.heard < patience) continue;
        lost_ += client.out;
        client.out = 0;
        client.heard = now;
        fill_window(client);
    }
}

// We were stopped (bench/lib/slices.py), or others had the core: no time of theirs.
void Load::forgive(Clock::duration pause, Clock::time_point now) {
    for (Client& client : clients_)
        client.heard = std::min(client.heard + pause, now);
}

std::string Load::run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (Client& client : clients_)
        if (!open(client)) return std::strerror(errno);
    const auto began = Clock::now();
    const auto ends = began + std::chrono::seconds(options_.seconds);
    for (Client& client : clients_)
        fill_window(client);
    auto look = began + patience;
    std::array<epoll_event, 256> events;
    for (auto now = began; now < ends;) {
        const auto before = now;
        const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(wait_max.count()));
        for (int i = 0; i < n; ++i)
            answers(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr));
        now = Clock::now();
        if (now - before > 2 * wait_max) forgive(now - before, now);
        if (now < look) continue;
        give_up_late(now);
        look = now + patience;
    }
    const auto now = Clock::now();
    for (const Client& client : clients_)
        if (now - client.heard >= patience) lost_ += client.out;
    print(now - began);
    return {};
}

void Load::print(Clock::duration taken) {
    auto& us = latencies_us_;
    std::sort(us.begin(), us.end());
    const auto at = [&](double part) {
        return us.empty() ? 0U : us[static_cast<std::size_t>(part * (us.size() - 1))];
    };
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(taken).count();
    std::printf(
        "RESULT {\"requests\":%zu,\"micros\":%lld,\"bytes\":%zu,\"p50\":%u,\"p99\":%u,"
        "\"p999\":%u,\"lost\":%llu,\"wrong\":%llu}\n",
        us.size(), static_cast<long long>(micros), us.size() * bytes_.size(), at(0.5), at(0.99),
        at(0.999), static_cast<unsigned long long>(lost_), static_cast<unsigned long long>(wrong_));
}

}  // namespace

std::string run_load(const Options& options) {
    return Load(options).run();
}

}  // namespace poise::datagrams
