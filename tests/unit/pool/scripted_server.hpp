// A TCP server on loopback that says what a test tells it to, and helpers to run the loop until
// something holds.
#pragma once

#include "base/task_group.hpp"
#include "pool/probe.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace poise::pool::test {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Step {
    std::string wait_for;  // read until this has come; "": do not wait
    std::string reply;
};

enum class AtEnd { close, hold };  // hold: the connection stays open and silent

/// Runs the loop until `done` holds; false when it has not within ten seconds.
template <typename Done>
bool run_until(asio::io_context& io, Done done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
        if (std::chrono::steady_clock::now() > until) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

/// Cancels inside of the loop: from outside Asio would put the signal off until after the task,
/// and with it what the signal points to, may have gone.
inline bool cancel_and_wait(asio::io_context& io, TaskGroup& tasks) {
    asio::post(io, [&] { tasks.cancel(); });
    return run_until(io, [&] { return tasks.running() == 0; });
}

/// Accepts one connection after another and plays the script on each.
class ScriptedServer {
public:
    ScriptedServer(asio::io_context& io, std::vector<Step> script, AtEnd at_end = AtEnd::close)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}),
          script_(std::move(script)),
          at_end_(at_end),
          tasks_(io.get_executor()) {
        tasks_.spawn(&ScriptedServer::run, this);
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void set_script(std::vector<Step> script) { script_ = std::move(script); }
    int accepted() const { return accepted_; }
    const std::string& received() const { return received_; }  // of the last connection
    void stop(asio::io_context& io) { cancel_and_wait(io, tasks_); }

private:
    static Task<void> run(ScriptedServer* self) {
        for (;;) {
            auto socket = co_await self->acceptor_.async_accept(asio::use_awaitable);
            ++self->accepted_;
            self->tasks_.spawn(&ScriptedServer::play, self, std::move(socket));
        }
    }

    using Buffer = std::array<char, 4096>;
    static constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

    static Task<std::size_t> read(tcp::socket& socket, Buffer& buffer) {
        auto [ec, bytes] = co_await socket.async_read_some(asio::buffer(buffer), use_tuple);
        co_return ec ? 0 : bytes;
    }

    static Task<void> play(ScriptedServer* self, tcp::socket socket) {
        self->received_.clear();
        Buffer buffer;
        const auto script = self->script_;
        for (const auto& step : script) {
            while (self->received_.find(step.wait_for) == std::string::npos) {
                const auto bytes = co_await read(socket, buffer);
                if (bytes == 0) co_return;
                self->received_.append(buffer.data(), bytes);
            }
            co_await asio::async_write(socket, asio::buffer(step.reply), use_tuple);
        }
        if (self->at_end_ == AtEnd::close) co_return;
        while (co_await read(socket, buffer) > 0) {
        }
    }

    tcp::acceptor acceptor_;
    std::vector<Step> script_;
    AtEnd at_end_;
    int accepted_ = 0;
    std::string received_;
    TaskGroup tasks_;
};

inline Address loopback(std::uint16_t port) {
    auto address = *parse_ip("127.0.0.1");
    address.port = port;
    return address;
}

/// A port on which nobody listens now.
inline std::uint16_t closed_port(asio::io_context& io) {
    return tcp::acceptor(io, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

}  // namespace poise::pool::test
