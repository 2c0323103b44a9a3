#include "proxy/listener.hpp"

#include "base/engine.hpp"
#include "base/socket_address.hpp"
#include "base/tcp_stream.hpp"
#include "proxy/client_spread.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <netinet/tcp.h>
#include <unistd.h>

namespace poise::proxy {

namespace {

constexpr int accepts_a_turn = 64;
constexpr int backlog = 4096;  // the kernel's net.core.somaxconn bounds it, too
constexpr std::chrono::milliseconds pause_without_descriptors{100};
constexpr std::chrono::hours forever{24};  // a listener has no deadline: looks about once a day

void set_option(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

// The error is an errno.
std::expected<int, int> open_at(const SocketAddress& to, bool floating = false) {
    const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(errno);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    // What is accepted inherits these from the listening socket: no call for each connection.
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    probe_dead_peers(fd);
    if (to.family() == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (floating) set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);  // serves IPv6 as well
    if (::bind(fd, to.get(), to.length) != 0 || ::listen(fd, backlog) != 0) {
        const int error = errno;
        ::close(fd);
        return std::unexpected(error);
    }
    return fd;
}

}  // namespace

std::string listen_error(const Address& address, config::Transport transport, int error) {
    auto text = fmt::format("cannot listen on {}: ", to_string(address));
    if (error == EADDRINUSE) {
        const char* tool = transport == config::Transport::udp ? "ss -lunp" : "ss -ltnp";
        return fmt::format("{}another process does already: `{}` shows which", text, tool);
    }
    text += std::strerror(error);
    if (error == EACCES) text += "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    if (error == EADDRNOTAVAIL) text += "; no interface of this machine has the address";
    return text;
}

std::expected<int, std::string> open_listening_socket(const Address& address, bool floating) {
    auto opened = open_at(SocketAddress(address), floating);
    // ":80" means every address there is: on a machine without IPv6, those of IPv4.
    const bool every = address.is_any() && !address.is_v4();
    if (!opened && every && (opened.error() == EAFNOSUPPORT || opened.error() == EADDRNOTAVAIL)) {
        auto v4 = *parse_ip("0.0.0.0");
        v4.port = address.port;
        opened = open_at(SocketAddress(v4));
    }
    if (!opened)
        return std::unexpected(listen_error(address, config::Transport::tcp, opened.error()));
    return *opened;
}

Listener::Listener(Worker& worker, const Address& address, int fd)
    : Pollable(worker.engine(), fd, Direction::read), worker_(worker), address_(address) {}

void Listener::serve(std::shared_ptr<WorkerGeneration> generation, std::size_t service,
                     std::size_t listen) {
    generation_ = std::move(generation);
    service_ = service;
    listen_ = listen;
}

void Listener::close_soon() {
    closing_ = true;
    if (sleeper_ != nullptr) sleeper_->wake();
}

Task<void> Listener::run(Listener* listener) {
    const std::unique_ptr<Listener> self(listener);
    Waiter waiter(self->worker_.engine());
    self->sleeper_ = &waiter;
    for (;;) {
        const bool room = self->accept_some();
        if (self->closing_) {
            self->accept_rest();
            break;
        }
        waiter.expires_after(room ? std::chrono::milliseconds(forever) : pause_without_descriptors);
        if (room) self->want(waiter, Direction::read);
        if (co_await waiter.sleep() == Wake::cancelled) break;
    }
    self->sleeper_ = nullptr;
    self->want_nothing();
}

bool Listener::accept_some() {
    for (int i = 0; i < accepts_a_turn && readable(); ++i) {
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        const int fd = ::accept4(this->fd(), reinterpret_cast<sockaddr*>(&from), &length,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            give_to_worker(fd, to_address(from));
            continue;
        }
        if (errno == EAGAIN) {
            not_readable();
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            worker_.accept_errors.add();
            return false;
        }  // else: that client has gone again already
    }
    return true;
}

// What the kernel has taken in already was promised to be served; closing would reset it.
void Listener::accept_rest() {
    for (int turn = 0; turn < backlog / accepts_a_turn && readable(); ++turn)
        if (!accept_some()) return;
}

void Listener::give_to_worker(int fd, const Address& peer) {
    // Who closes, as all do then, keeps what it was promised to serve.
    Worker& serving = closing_ ? worker_ : choose_worker(worker_, worker_.shared().workers);
    if (&serving == &worker_)
        worker_.start_client(fd, peer, generation_, service_, listen_);
    else
        serving.take_client(
            std::make_shared<ArrivingClient>(fd, peer, generation_->generation, service_, listen_));
}

}  // namespace poise::proxy
