#include "app/service_manager.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace poise::app;
using namespace std::chrono_literals;

namespace {

// systemd's end, on an abstract address of the test's own.
class Listener {
public:
    Listener() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un own{};
        own.sun_family = AF_UNIX;
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof(sa_family_t)) == 0);
        socklen_t length = sizeof own;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &length);
        name = "@" + std::string(own.sun_path + 1, length - offsetof(sockaddr_un, sun_path) - 1);
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// The next message; empty when none is there.
    std::string heard() const {
        std::array<char, 200> bytes{};
        const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : "";
    }

    std::string name;

private:
    int fd_;
};

}  // namespace

TEST_SUITE("app/service_manager") {
    TEST_CASE("systemd hears each change of state") {
        const Listener systemd;
        boost::asio::io_context io;
        ServiceManager manager(io.get_executor(), {.socket = systemd.name});

        manager.ready();
        CHECK(systemd.heard() == "READY=1");
        manager.reloading();
        CHECK(systemd.heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        manager.stopping();
        CHECK(systemd.heard() == "STOPPING=1");
        CHECK(io.run() == 0);
    }

    TEST_CASE("signs of life go on until the end") {
        const Listener systemd;
        boost::asio::io_context io;
        ServiceManager manager(io.get_executor(), {.socket = systemd.name, .watchdog = 2ms});

        manager.ready();
        CHECK(systemd.heard() == "READY=1");
        CHECK(systemd.heard() == "WATCHDOG=1");
        io.run_one();
        CHECK(systemd.heard() == "WATCHDOG=1");
        manager.ready();  // after a reload
        CHECK(systemd.heard() == "READY=1");
        CHECK(systemd.heard().empty());
        manager.end();
        io.run();
        CHECK(systemd.heard().empty());
    }

    TEST_CASE("without systemd nothing is sent") {
        boost::asio::io_context io;
        ServiceManager manager(io.get_executor(), {});

        manager.ready();
        manager.stopping();
        CHECK(io.run() == 0);
    }

    TEST_CASE("the environment says how, and for whom") {
        ::setenv("NOTIFY_SOCKET", "/run/x", 1);
        ::setenv("WATCHDOG_USEC", "3000000", 1);
        ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
        CHECK(ServiceManager::from_environment().socket == "/run/x");
        CHECK(ServiceManager::from_environment().watchdog == 3s);

        ::setenv("WATCHDOG_PID", "1", 1);
        CHECK_FALSE(ServiceManager::from_environment().watchdog);
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            ::unsetenv(name);
        CHECK(ServiceManager::from_environment().socket.empty());
    }
}
