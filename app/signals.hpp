// The signals that an operator or an init system sends to a running Poise.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace poise::app {

/// SIGHUP, SIGTERM, SIGINT and SIGUSR1.
enum class Order : std::uint8_t { reload, drain, stop, reopen_logs };

/// Calls `on_order` on the executor's thread for each signal. While one lives, none of these
/// signals ends the process. SIGPIPE is ignored from the first one on.
class Signals {
public:
    Signals(boost::asio::any_io_executor executor, std::function<void(Order)> on_order);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace poise::app
