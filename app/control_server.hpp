// The local control socket: one JSON line in, one JSON line out, guarded by file permissions.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace poise::app {

/// Belongs to the thread of its executor, a plain Asio io_context. Bounded: so many clients,
/// bytes a request and time a client; whoever exceeds them is cut off.
class ControlServer {
public:
    static constexpr std::size_t clients_max = 16;
    static constexpr std::size_t request_bytes_max = 65'536;
    static constexpr std::chrono::seconds client_time_max{10};

    /// Gives the answer, without line feed, to a request line.
    using Handler = std::function<std::string(std::string_view line)>;

    /// Binds `path` with mode 0600. A socket that a dead process left is replaced; one that
    /// answers is an error, and so is a path that is too long or no socket.
    static std::expected<std::unique_ptr<ControlServer>, std::string> open(
        boost::asio::any_io_executor executor, const std::string& path);

    /// Stops, and removes the path if it still is this server's.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    void serve(Handler handler);  // once
    void stop();

private:
    struct Impl;
    explicit ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace poise::app
