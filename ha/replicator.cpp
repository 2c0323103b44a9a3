#include "ha/replicator.hpp"

#include "base/signals_blocked.hpp"
#include "base/socket_address.hpp"
#include "ha/psk_stream.hpp"
#include "ha/replica_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace poise::ha {

using namespace std::chrono_literals;

namespace {

using Time = ReplicaSession::Time;
using Step = PskStream::Step;

constexpr auto tick_every = 50ms;
constexpr auto retry_after = 500ms;
constexpr auto handshake_limit = 3s;
constexpr std::size_t reads_at_once = 64;  // of 16 KiB

int tcp_socket(int family) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

std::expected<int, std::string> listen_at(const Address& local) {
    const SocketAddress address(local);
    const int fd = tcp_socket(address.family());
    const int on = 1;
    if (fd >= 0) {
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (address.family() == AF_INET6)
            ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (::bind(fd, address.get(), address.length) == 0 && ::listen(fd, 4) == 0) return fd;
    }
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return std::unexpected(fmt::format("cluster.bind: cannot listen on {} with TCP: {}",
                                       to_string(local), std::strerror(error)));
}

}  // namespace

class Replicator::Loop {
public:
    Loop(ReplicatorSettings settings, ReplicaEvents events)
        : settings_(std::move(settings)), events_(std::move(events)) {
        assert(!settings_.keys.empty() && settings_.bind.size() == settings_.peers.size());
    }
    ~Loop() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        wake();
        if (thread_.joinable()) thread_.join();
        for (const int fd : listeners_)
            ::close(fd);
        if (wake_fd_ >= 0) ::close(wake_fd_);
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    std::expected<void, std::string> open() {
        for (const Address& local : settings_.bind) {
            auto fd = listen_at(local);
            if (!fd) return std::unexpected(fd.error());
            listeners_.push_back(*fd);
        }
        wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (wake_fd_ < 0) return std::unexpected("cannot make an eventfd for the replication");
        const SignalsBlocked none_here;
        thread_ = std::thread([this] { run(); });
        return {};
    }

    /// Changes what the thread takes over at its next turn.
    template <typename Change>
    void order(const Change& change) {
        {
            const std::lock_guard lock(mutex_);
            change(ordered_);
        }
        wake();
    }
    ReplicationStatus status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

    struct Orders {
        bool gives = false, takes = false, take_theirs = false;
        std::optional<ReplicaContent> content;
        std::optional<ClusterKeys> keys;
    };

private:
    void wake() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t n = ::write(wake_fd_, &one, sizeof one);
    }

    void run() {
        ::pthread_setname_np(::pthread_self(), "poise-replica");
        while (take_orders()) {
            const Time now = std::chrono::steady_clock::now();
            if (!stream_ && takes_ && !gives_ && now >= connect_at_) connect(now);
            if (stream_) advance(now);
            publish(now);
            wait();
        }
        stream_.reset();
    }

    bool take_orders() {
        const std::lock_guard lock(mutex_);
        if (ending_) return false;
        if (gives_ != ordered_.gives || takes_ != ordered_.takes) {
            gives_ = ordered_.gives;
            takes_ = ordered_.takes;
            close({});
            connect_at_ = {};
        }
        if (ordered_.content) content_ = std::move(*std::exchange(ordered_.content, {}));
        if (ordered_.keys) settings_.keys = std::move(*std::exchange(ordered_.keys, {}));
        if (std::exchange(ordered_.take_theirs, false) && session_) session_->take_theirs();
        return true;
    }

    void wait() {
        std::vector<pollfd> watched{{wake_fd_, POLLIN, 0}};
        // Not accepting, the kernel refuses at four: nobody fills more than that.
        if (gives_ && !stream_)
            for (const int fd : listeners_)
                watched.push_back({fd, POLLIN, 0});
        const std::size_t listeners_end = watched.size();
        if (stream_)
            watched.push_back(
                {stream_->fd(), static_cast<short>(wants_write_ ? POLLOUT | POLLIN : POLLIN), 0});
        const timespec limit{0, std::chrono::nanoseconds(tick_every).count()};
        ::ppoll(watched.data(), watched.size(), &limit, nullptr);
        if (watched.front().revents != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t n = ::read(wake_fd_, &count, sizeof count);
        }
        for (std::size_t i = 1; i < listeners_end; ++i)
            if (watched[i].revents != 0) accept(watched[i].fd);
    }

    void begin(int fd, PskStream::Side side) {
        stream_ = std::make_unique<PskStream>(fd, side, settings_.keys);
        began_ = std::chrono::steady_clock::now();
        wants_write_ = true;
    }

    void accept(int listener) {
        sockaddr_storage source{};
        socklen_t size = sizeof source;
        const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&source), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const auto from = to_address(source).ip;
        const bool known = std::ranges::any_of(
            settings_.peers, [&](const Address& peer) { return peer.ip == from; });
        if (!known || stream_) {
            ::close(fd);
            return;
        }
        begin(fd, PskStream::Side::server);
    }

    // From the path's own address, so that the other node knows who it is.
    void connect(Time now) {
        const std::size_t path = next_path_++ % settings_.peers.size();
        connect_at_ = now + retry_after;
        const SocketAddress to(settings_.peers[path]);
        Address local = settings_.bind[path];
        local.port = 0;
        const SocketAddress from(local);
        const int fd = tcp_socket(to.family());
        if (fd < 0) return;
        if (::bind(fd, from.get(), from.length) != 0 ||
            (::connect(fd, to.get(), to.length) != 0 && errno != EINPROGRESS)) {
            tell(std::strerror(errno));
            ::close(fd);
            return;
        }
        begin(fd, PskStream::Side::client);
    }

    void advance(Time now) {
        if (!session_) {
            const Step step = stream_->handshake();
            wants_write_ = step == Step::wants_write;
            if (step == Step::ended) return close(stream_->why());
            if (step != Step::done) {
                if (now - began_ > handshake_limit) close("no handshake within 3 s");
                return;
            }
            session_.emplace(gives_, content_, events_, now);
            told_.clear();
        }
        if (!read(now)) return;
        if (auto ticked = session_->tick(now); !ticked) return close(ticked.error());
        write();
    }

    bool read(Time now) {
        std::array<std::uint8_t, 16 << 10> buffer;
        for (std::size_t i = 0; i < reads_at_once && session_->wants_input(); ++i) {
            std::size_t size = 0;
            const Step step = stream_->read(buffer, size);
            if (step == Step::ended) return close(why_it_ended()), false;
            if (step != Step::done) break;
            if (auto taken = session_->receive({buffer.data(), size}, now); !taken)
                return close(taken.error()), false;
        }
        return true;
    }

    void write() {
        auto& output = session_->output();
        std::size_t sent = 0;
        wants_write_ = false;
        while (sent < output.size()) {
            std::size_t size = 0;
            const Step step = stream_->write(std::span(output).subspan(sent), size);
            if (step == Step::ended) return close(why_it_ended());
            if (step != Step::done) {
                wants_write_ = step == Step::wants_write;
                break;
            }
            sent += size;
        }
        output.erase(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(sent));
        // What was held back for want of room goes on at once.
        if (output.empty() && sent >= ReplicaSession::output_max) wake();
    }

    void close(const std::string& why) {
        if (stream_ && !why.empty()) tell(why);
        session_.reset();
        stream_.reset();
        connect_at_ = std::chrono::steady_clock::now() + retry_after;
    }

    // Nothing when the roles have changed, or the other node stops.
    std::string why_it_ended() const { return stream_->ended_in_order() ? "" : stream_->why(); }

    // Once, not at each try.
    void tell(const std::string& why) {
        problem_ = fmt::format("the replication stream to the other node ended: {}", why);
        if (told_ == problem_) return;
        told_ = problem_;
        if (events_.on_line) events_.on_line(true, problem_);
    }

    void publish(Time now) {
        ReplicationStatus status;
        if (session_) {
            status = session_->status(now);
        } else if (gives_ || takes_) {
            status.state = StreamState::waiting;
            status.gives = gives_;
            status.settings_version = content_.standing.version;
            status.lag_ms = -1;
            status.problem = problem_;
        }
        if (session_) problem_.clear();
        const std::lock_guard lock(mutex_);
        status_ = std::move(status);
    }

    ReplicatorSettings settings_;
    ReplicaEvents events_;
    ReplicaContent content_;
    bool gives_ = false, takes_ = false;
    std::vector<int> listeners_;
    std::unique_ptr<PskStream> stream_;
    std::optional<ReplicaSession> session_;
    bool wants_write_ = false;
    std::size_t next_path_ = 0;
    Time connect_at_{}, began_{};
    std::string problem_, told_;

    mutable std::mutex mutex_;  // of what follows
    Orders ordered_;
    ReplicationStatus status_;
    bool ending_ = false;

    int wake_fd_ = -1;
    std::thread thread_;
};

std::expected<std::unique_ptr<Replicator>, std::string> Replicator::start(
    ReplicatorSettings settings, ReplicaEvents events) {
    auto loop = std::make_unique<Loop>(std::move(settings), std::move(events));
    if (auto opened = loop->open(); !opened) return std::unexpected(opened.error());
    return std::unique_ptr<Replicator>(new Replicator(std::move(loop)));
}

Replicator::Replicator(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

Replicator::~Replicator() = default;

void Replicator::set_roles(bool gives, bool takes) {
    loop_->order([&](Loop::Orders& orders) {
        orders.gives = gives;
        orders.takes = takes;
    });
}

void Replicator::set_content(ReplicaContent content) {
    loop_->order([&](Loop::Orders& orders) { orders.content = std::move(content); });
}

void Replicator::set_keys(ClusterKeys keys) {
    loop_->order([&](Loop::Orders& orders) { orders.keys = std::move(keys); });
}

bool Replicator::take_theirs() {
    const StreamState state = loop_->status().state;
    if (state != StreamState::filling && state != StreamState::synced) return false;
    loop_->order([](Loop::Orders& orders) { orders.take_theirs = true; });
    return true;
}

ReplicationStatus Replicator::status() const {
    return loop_->status();
}

}  // namespace poise::ha
