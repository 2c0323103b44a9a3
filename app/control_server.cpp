#include "app/control_server.hpp"

#include "app/unix_path.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <list>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace poise::app {

namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

constexpr std::chrono::milliseconds accept_pause{200};

std::string error_text(int error) {
    return std::error_code(error, std::generic_category()).message();
}

// Whether a process listens there. A socket that nobody listens on refuses.
bool is_alive(const sockaddr_un& address) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return true;  // not known: better not to remove it
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const bool refused = ::connect(fd, generic, sizeof address) != 0 && errno == ECONNREFUSED;
    ::close(fd);
    return !refused;
}

// Makes `path` free to bind, or says why it is not.
std::expected<void, std::string> clear_place(const std::string& path, const sockaddr_un& address) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) return {};
    if (!S_ISSOCK(facts.st_mode))
        return std::unexpected(fmt::format("control socket {}: a file of that name exists", path));
    if (is_alive(address)) {
        return std::unexpected(fmt::format(
            "control socket {}: another Poise runs and answers there; stop it, or give this one "
            "a path of its own (--control PATH)",
            path));
    }
    if (::unlink(path.c_str()) != 0) {
        return std::unexpected(
            fmt::format("control socket {}: cannot remove the one that a dead "
                        "process left: {}",
                        path, error_text(errno)));
    }
    return {};
}

std::expected<int, std::string> bind_and_listen(const std::string& path,
                                                const sockaddr_un& address) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(error_text(errno));
    // By the mask and not by chmod afterwards, so that it is never open to everybody.
    const mode_t before = ::umask(0177);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const bool bound = ::bind(fd, generic, sizeof address) == 0;
    int error = errno;
    ::umask(before);
    if (bound && ::listen(fd, ControlServer::clients_max) == 0) return fd;
    if (bound) error = errno;
    ::close(fd);
    return std::unexpected(fmt::format(
        "control socket {}: {}; give another path with --control PATH", path, error_text(error)));
}

struct Client {
    explicit Client(stream_protocol::socket accepted)
        : socket(std::move(accepted)), timer(socket.get_executor()) {}

    stream_protocol::socket socket;
    asio::steady_timer timer;
    std::string request;
    std::string answer;
};

}  // namespace

struct ControlServer::Impl : std::enable_shared_from_this<Impl> {
    Impl(const asio::any_io_executor& executor, std::string where, int fd)
        : path(std::move(where)), acceptor(executor, stream_protocol(), fd), pause(executor) {
        struct stat facts{};
        if (::stat(path.c_str(), &facts) == 0) inode = facts.st_ino;
    }

    void accept_next();
    void accept_later();
    void take(stream_protocol::socket accepted);
    void answer(const std::shared_ptr<Client>& client);
    void close(const std::shared_ptr<Client>& client);

    const std::string path;
    ino_t inode = 0;  // of the path when it was bound
    stream_protocol::acceptor acceptor;
    asio::steady_timer pause;
    Handler handler;
    std::list<std::shared_ptr<Client>> clients;
    bool stopped = false;
};

std::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::open(
    asio::any_io_executor executor, const std::string& path) {
    const auto address = unix_address(path);
    if (!address) return std::unexpected(address.error());
    if (auto cleared = clear_place(path, *address); !cleared)
        return std::unexpected(cleared.error());
    const auto fd = bind_and_listen(path, *address);
    if (!fd) return std::unexpected(fd.error());
    auto impl = std::make_shared<Impl>(executor, path, *fd);
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

ControlServer::~ControlServer() {
    stop();
}

void ControlServer::serve(Handler handler) {
    assert(!impl_->handler);
    impl_->handler = std::move(handler);
    impl_->accept_next();
}

void ControlServer::stop() {
    if (std::exchange(impl_->stopped, true)) return;
    boost::system::error_code ignored;  // nothing to do about a failing close
    impl_->acceptor.close(ignored);
    impl_->pause.cancel();
    while (!impl_->clients.empty())
        impl_->close(impl_->clients.front());
    struct stat facts{};
    const bool still_ours =
        ::stat(impl_->path.c_str(), &facts) == 0 && facts.st_ino == impl_->inode;
    if (still_ours) ::unlink(impl_->path.c_str());
}

// Accepts one more while there is room; the rest waits in the kernel's short queue.
void ControlServer::Impl::accept_next() {
    if (stopped || clients.size() >= clients_max) return;
    acceptor.async_accept([self = shared_from_this()](const boost::system::error_code& error,
                                                      stream_protocol::socket accepted) {
        if (self->stopped) return;
        if (error) return self->accept_later();
        self->take(std::move(accepted));
        self->accept_next();
    });
}

// No descriptor is free, most likely: at once it would be the same.
void ControlServer::Impl::accept_later() {
    pause.expires_after(accept_pause);
    pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->accept_next();
    });
}

void ControlServer::Impl::take(stream_protocol::socket accepted) {
    auto client = std::make_shared<Client>(std::move(accepted));
    clients.push_back(client);
    client->timer.expires_after(client_time_max);
    client->timer.async_wait(
        [self = shared_from_this(), client](const boost::system::error_code& error) {
            if (!error) self->close(client);
        });
    asio::async_read_until(
        client->socket, asio::dynamic_buffer(client->request, request_bytes_max), '\n',
        [self = shared_from_this(), client](const boost::system::error_code& error, std::size_t n) {
            if (error) return self->close(client);
            client->request.resize(n - 1);
            self->answer(client);
        });
}

void ControlServer::Impl::answer(const std::shared_ptr<Client>& client) {
    client->answer = handler(client->request) + '\n';
    asio::async_write(client->socket, asio::buffer(client->answer),
                      [self = shared_from_this(), client](const boost::system::error_code&,
                                                          std::size_t) { self->close(client); });
}

void ControlServer::Impl::close(const std::shared_ptr<Client>& client) {
    const bool was_full = clients.size() >= clients_max;
    if (clients.remove(client) == 0) return;
    client->timer.cancel();
    boost::system::error_code ignored;
    client->socket.close(ignored);
    if (was_full) accept_next();
}

}  // namespace poise::app
