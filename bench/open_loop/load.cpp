// The load: requests at their moments, over kept connections. One thread, one epoll set.
#include "bench/open_loop/load.hpp"

#include "bench/open_loop/answer.hpp"
#include "bench/open_loop/arrivals.hpp"
#include "bench/open_loop/record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace poise::open_loop {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;        // for one answer
constexpr auto patience_at_end = 2s;  // for those that are out when the run ends
constexpr auto look_every = 20ms;     // for who is overdue, and connections to open anew
constexpr auto opening = 1s;          // before the run
constexpr std::size_t waiting_max = 1'000'000;
constexpr std::size_t buffer_bytes = 262'144;

struct Client {
    enum class State : std::uint8_t { closed, connecting, idle, busy };

    int fd = -1;
    State state = State::closed;
    Clock::time_point due, sent;
    Answer answer;
};

struct Waiting {
    Clock::time_point due;
    bool found_free = false;  // a connection was free when it was taken up
};

class Load {
public:
    explicit Load(const Options& options)
        : options_(options),
          request_("GET " + options.path + " HTTP/1.1\r\nHost: bench\r\n\r\n"),
          clients_(options.connections),
          began_(Clock::now() + opening),
          ends_(began_ + std::chrono::seconds(options.seconds)),
          gives_up_(ends_ + patience_at_end),
          arrivals_(options.rate, began_),
          record_(options, began_),
          buffer_(buffer_bytes) {}
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    std::string run();

private:
    void serve_until(const Clock::time_point& until);
    void left_over(Clock::time_point due, Clock::time_point now);
    void open(Client& client);
    void connected(Client& client);
    void close(Client& client);
    void take_due(Clock::time_point now);
    void hand_out();
    void send(Client& client, const Waiting& request);
    void on_event(Client& client, std::uint32_t events);
    void receive(Client& client);
    void wait();
    void watch_signals();
    void end_earlier();
    void look_after_all(Clock::time_point now);

    const Options& options_;
    const std::string request_;
    std::vector<Client> clients_;
    std::deque<Client*> idle_;  // the longest idle first: each client comes back in its turn
    std::deque<Waiting> waiting_;
    std::size_t busy_ = 0;
    int epoll_ = -1, signals_ = -1;
    Clock::time_point began_, ends_, gives_up_, look_;
    Arrivals arrivals_;
    Record record_;
    std::vector<char> buffer_;
};

Load::~Load() {
    for (Client& client : clients_)
        if (client.fd >= 0) ::close(client.fd);
    if (signals_ >= 0) ::close(signals_);
    if (epoll_ >= 0) ::close(epoll_);
}

void Load::open(Client& client) {
    client.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client.state = Client::State::connecting;
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.ptr = &client;
    const auto* to = reinterpret_cast<const sockaddr*>(&options_.to);
    const bool begun = client.fd >= 0 &&
                       (::connect(client.fd, to, sizeof options_.to) == 0 || errno == EINPROGRESS);
    if (begun && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event) == 0) return;
    ++record_.connect;
    close(client);
}

void Load::close(Client& client) {
    if (client.state == Client::State::busy) --busy_;
    if (client.state == Client::State::idle) std::erase(idle_, &client);
    if (client.fd >= 0) ::close(client.fd);
    client.fd = -1;
    client.state = Client::State::closed;
}

void Load::take_due(Clock::time_point now) {
    for (; arrivals_.next() <= now && arrivals_.next() < ends_; arrivals_.advance()) {
        if (waiting_.size() == waiting_max) {
            ++record_.dropped;
            continue;
        }
        waiting_.push_back({arrivals_.next(), idle_.size() > waiting_.size()});
    }
}

void Load::hand_out() {
    while (!waiting_.empty() && !idle_.empty()) {
        Client& client = *idle_.front();
        idle_.pop_front();
        send(client, waiting_.front());
        waiting_.pop_front();
    }
}

void Load::send(Client& client, const Waiting& request) {
    client.state = Client::State::busy;
    ++busy_;
    client.due = request.due;
    client.sent = Clock::now();
    client.answer.start();
    if (request.found_free) record_.sent(request.due, client.sent);
    const ssize_t sent = ::send(client.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(request_.size())) return;
    ++record_.read;
    close(client);
}

void Load::connected(Client& client) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
    client.state = Client::State::idle;
    idle_.push_back(&client);
}

void Load::on_event(Client& client, std::uint32_t events) {
    if (client.state != Client::State::connecting) return receive(client);
    if ((events & (EPOLLERR | EPOLLHUP)) == 0) return connected(client);
    ++record_.connect;
    close(client);
}

void Load::receive(Client& client) {
    const ssize_t n = ::recv(client.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (client.state == Client::State::idle) return close(client);  // as a server may
    const auto state = n <= 0 ? Answer::State::broken
                              : client.answer.take({buffer_.data(), static_cast<std::size_t>(n)});
    if (state == Answer::State::more) return;
    if (state == Answer::State::broken) {
        ++record_.read;
        return close(client);
    }
    if (state == Answer::State::failed) ++record_.status;
    const auto now = Clock::now();
    if (now < ends_) ++record_.in_time;
    record_.ended(client.due, now);
    if (client.answer.closes()) return close(client);
    --busy_;
    client.state = Client::State::idle;
    idle_.push_back(&client);
}

// Until something can be read or a request is due.
void Load::wait() {
    // While no connection is free, a request that is due changes nothing.
    const bool sends = !idle_.empty() && arrivals_.next() < ends_;
    const auto until = sends ? std::min(arrivals_.next(), look_) : look_;
    const auto left = std::max(0ns, std::chrono::nanoseconds(until - Clock::now()));
    const timespec span{0, std::min<long>(left.count(), 999'999'999)};
    std::array<epoll_event, 256> events;
    const int n =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &span, nullptr);
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* const client = static_cast<Client*>(event.data.ptr);
        if (client == nullptr) end_earlier();
        if (client != nullptr && client->fd >= 0) on_event(*client, event.events);
    }
}

// Being told to end, by a signal, ends the run earlier; its result is printed all the same.
void Load::end_earlier() {
    ends_ = std::min(ends_, Clock::now());
    gives_up_ = ends_ + patience_at_end;
}

void Load::watch_signals() {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    ::sigprocmask(SIG_BLOCK, &stop, nullptr);
    signals_ = ::signalfd(-1, &stop, SFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLONESHOT;
    event.data.ptr = nullptr;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, signals_, &event);
}

void Load::look_after_all(Clock::time_point now) {
    if (now < look_) return;
    look_ = now + look_every;
    for (Client& client : clients_) {
        if (client.state == Client::State::busy && now - client.sent > patience) {
            left_over(client.due, now);
            close(client);
        }
        if (client.state == Client::State::closed) open(client);
    }
}

// Ends earlier when the run is over and nothing is out any more. A signal may move `until`.
void Load::serve_until(const Clock::time_point& until) {
    for (auto now = Clock::now(); now < until; now = Clock::now()) {
        look_after_all(now);
        take_due(now);
        hand_out();
        if (now >= ends_ && waiting_.empty() && busy_ == 0) return;
        wait();
    }
}

std::string Load::run() {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch_signals();
    serve_until(began_);
    if (ends_ <= began_) return "ended before the run began";
    if (idle_.size() < clients_.size())
        return "only " + std::to_string(idle_.size()) + " connections could be opened";
    serve_until(gives_up_);
    const auto now = Clock::now();
    // What is still out took at least so long.
    for (const Client& client : clients_)
        if (client.state == Client::State::busy) left_over(client.due, now);
    for (const Waiting& request : waiting_)
        left_over(request.due, now);
    record_.print(std::min(now, ends_) - began_);
    return {};
}

void Load::left_over(Clock::time_point due, Clock::time_point now) {
    ++record_.timeout;
    record_.ended(due, now);
}

}  // namespace

std::string run_load(const Options& options) {
    return Load(options).run();
}

}  // namespace poise::open_loop
