// A short exchange over TCP with a real server, all of it before one deadline. For the control
// thread: health checks and agents.
#pragma once

#include "base/address.hpp"
#include "base/task.hpp"
#include "tls/openssl.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace poise::pool {

/// Each step returns "" or what went wrong, for people: "connect refused", "timed out after 1s
/// waiting for the response". A cancelled step throws operation_aborted, which ends the task.
class Conversation {
public:
    Conversation(boost::asio::any_io_executor executor, std::chrono::milliseconds limit);
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    Task<std::string> connect(Address to);
    /// Goes on inside of TLS; `session` is a fresh client's. What it verifies is the session's.
    Task<std::string> start_tls(tls::Owned<ssl_st> session);
    Task<std::string> send(std::string text);
    /// Appends what comes next to received(), or notes that the server has closed. No more than
    /// `received_bytes_max` in all; `what` names it in a failure: "the response".
    Task<std::string> receive(std::string_view what);

    /// Says goodbye where TLS has been started, so that the server logs no broken connection.
    Task<void> end_tls();

    static constexpr std::size_t received_bytes_max = 262'144;
    const std::string& received() const;
    bool ended() const;  // the server has closed its side

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the timer's handler, which may outlive this
};

/// The executor of the coroutine that awaits it.
Task<boost::asio::any_io_executor> this_executor();

/// "1s", "1500ms": as short as it is exact.
std::string duration_text(std::chrono::milliseconds duration);

/// The words for what connect() or a later step came to: "connect refused", "connection reset".
std::string failure_text(int error, std::string_view doing);

}  // namespace poise::pool
