// What systemd is told: that Poise serves, loads anew, stops, and still lives (sd_notify(3)).
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace poise::app {

/// By the protocol itself: datagrams to the socket that NOTIFY_SOCKET names. Without that
/// variable nothing is ever sent. Belongs to the control thread.
class ServiceManager {
public:
    struct Settings {
        std::string socket;                                   // a path, "@name" for an abstract one
        std::optional<std::chrono::microseconds> watchdog{};  // what systemd waits at most
    };
    /// As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say.
    static Settings from_environment();

    ServiceManager(boost::asio::any_io_executor executor, Settings settings);
    ~ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    /// Serves from now on; also the end of a reload. The first call begins the signs of life: two
    /// in the time that systemd waits, from the executor's thread, so that one that hangs is seen.
    void ready();
    void reloading();
    /// Drains or stops: the signs of life go on until end().
    void stopping();
    void end();

private:
    struct Signs;

    void tell(std::string_view state) const;
    void live_on();

    Settings settings_;
    std::unique_ptr<Signs> signs_;
};

}  // namespace poise::app
