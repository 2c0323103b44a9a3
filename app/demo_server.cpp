#include "app/demo_server.hpp"

#include "base/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <cassert>
#include <chrono>
#include <list>
#include <optional>
#include <pthread.h>
#include <signal.h>
#include <thread>
#include <utility>

namespace poise::app {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t head_bytes_max = 65'536;
constexpr std::size_t body_bytes_max = std::size_t{1} << 30;
constexpr std::chrono::minutes idle_max{5};
constexpr std::chrono::seconds slow_time{3};
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

struct Connection {
    explicit Connection(tcp::socket accepted)
        : socket(std::move(accepted)), timer(socket.get_executor()) {}

    tcp::socket socket;
    asio::steady_timer timer;
    std::string input;
};

// One of the three. Belongs to the demo servers' thread, but for what is atomic.
struct DemoServer {
    DemoServer(asio::io_context& io, DemoFace shown) : face(shown), acceptor(io) {}

    const DemoFace face;
    tcp::acceptor acceptor;
    std::uint16_t port = 0;
    std::atomic<bool> alive{false};
    std::uint64_t requests = 0;
    std::list<std::weak_ptr<Connection>> connections;
};

void listen(DemoServer& server) {
    const tcp::endpoint where(asio::ip::address_v4::loopback(), server.port);
    server.acceptor.open(tcp::v4());
    server.acceptor.set_option(tcp::acceptor::reuse_address(true));
    server.acceptor.bind(where);
    server.acceptor.listen();
    server.port = server.acceptor.local_endpoint().port();
    server.alive = true;
}

void die(DemoServer& server) {
    boost::system::error_code ignored;  // it is to be gone, whatever fails
    server.alive = false;
    server.acceptor.close(ignored);
    for (const auto& weak : server.connections) {
        const auto connection = weak.lock();
        if (!connection) continue;
        connection->socket.set_option(tcp::socket::linger(true, 0), ignored);
        connection->socket.close(ignored);
        connection->timer.cancel();
    }
    server.connections.clear();
}

// Nothing waits for ever: a connection without a byte for so long is closed.
void restart_timer(const std::shared_ptr<Connection>& connection) {
    connection->timer.expires_after(idle_max);
    connection->timer.async_wait(
        [weak = std::weak_ptr(connection)](const boost::system::error_code& error) {
            const auto still = weak.lock();
            boost::system::error_code ignored;
            if (!error && still) still->socket.close(ignored);
        });
}

Task<bool> skip_body(Connection* connection, std::size_t bytes) {
    std::string& input = connection->input;
    const std::size_t have = std::min(bytes, input.size());
    input.erase(0, have);
    bytes -= have;
    std::array<char, 16'384> block;
    while (bytes > 0) {
        const auto into = asio::buffer(block.data(), std::min(bytes, block.size()));
        const auto [error, n] = co_await connection->socket.async_read_some(into, as_values);
        if (error) co_return false;
        bytes -= n;
    }
    co_return true;
}

Task<void> run_connection(DemoServer* server, std::shared_ptr<Connection> connection) {
    while (connection->socket.is_open()) {
        restart_timer(connection);
        const auto [error, n] = co_await asio::async_read_until(
            connection->socket, asio::dynamic_buffer(connection->input, head_bytes_max), "\r\n\r\n",
            as_values);
        if (error) break;
        const DemoRequest request =
            parse_demo_request(std::string_view(connection->input).substr(0, n));
        connection->input.erase(0, n);
        if (request.body_bytes > body_bytes_max) break;
        if (!co_await skip_body(connection.get(), request.body_bytes)) break;
        if (request.path != "/healthz") ++server->requests;
        if (request.path == "/slow") {
            asio::steady_timer slow(connection->socket.get_executor(), slow_time);
            co_await slow.async_wait(as_values);
        }
        const std::string answer = demo_answer(server->face, request, server->requests);
        const auto [failed, written] =
            co_await asio::async_write(connection->socket, asio::buffer(answer), as_values);
        if (failed || request.close || request.path.empty()) break;
    }
    connection->timer.cancel();
}

Task<void> run_accept(DemoServer* server, TaskGroup* group) {
    while (server->acceptor.is_open()) {
        auto [error, accepted] = co_await server->acceptor.async_accept(as_values);
        if (error) break;
        auto connection = std::make_shared<Connection>(std::move(accepted));
        std::erase_if(server->connections, [](const auto& weak) { return weak.expired(); });
        server->connections.push_back(connection);
        group->spawn(run_connection, server, std::move(connection));
    }
}

}  // namespace

struct DemoServers::Impl {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    TaskGroup group{io.get_executor()};
    std::array<DemoServer, count> servers{
        {{io, demo_faces[0]}, {io, demo_faces[1]}, {io, demo_faces[2]}}};
    std::thread thread;
};

DemoServers::DemoServers() : impl_(std::make_unique<Impl>()) {
    for (DemoServer& server : impl_->servers) {
        listen(server);
        impl_->group.spawn(run_accept, &server, &impl_->group);
    }
    // Signals are for the thread that waits for them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
    ::pthread_setname_np(impl_->thread.native_handle(), "poise-demo");
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

DemoServers::~DemoServers() {
    asio::post(impl_->io, [impl = impl_.get()] {
        for (DemoServer& server : impl->servers)
            die(server);
        impl->group.cancel();
        impl->work.reset();
    });
    impl_->thread.join();  // the loop ends with the last task
}

std::uint16_t DemoServers::port(std::size_t index) const {
    assert(index < count);
    return impl_->servers[index].port;
}

bool DemoServers::alive(std::size_t index) const {
    assert(index < count);
    return impl_->servers[index].alive;
}

void DemoServers::kill_or_revive(std::size_t index) {
    assert(index < count);
    asio::post(impl_->io, [impl = impl_.get(), &server = impl_->servers[index]] {
        if (server.alive) return die(server);
        try {
            listen(server);
            impl->group.spawn(run_accept, &server, &impl->group);
        } catch (const boost::system::system_error&) {
            // Somebody has taken the port meanwhile: it stays dead, as everybody can see.
            die(server);
        }
    });
}

}  // namespace poise::app
