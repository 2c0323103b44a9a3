// A network namespace for one test, with an lo that is up. Needs root.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace poise::ha {

/// Asks again and again; false when it has not become true within a limit that is generous.
template <typename Check>
bool soon(const Check& check) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!check()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

class OwnNetwork {
public:
    OwnNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        there_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
        if (!there_) {
            MESSAGE("skipped: a network namespace needs root");
            return;
        }
        set_up("lo");
    }
    ~OwnNetwork() {
        if (there_) ::setns(before_, CLONE_NEWNET);
        ::close(before_);
    }
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;

    explicit operator bool() const { return there_; }

    /// Two Ethernet interfaces of these names, the ends of one cable.
    static bool add_cable(const std::string& one, const std::string& other) {
        const std::string order =
            "ip link add " + one + " type veth peer name " + other + " > /dev/null 2>&1";
        if (std::system(order.c_str()) != 0) return false;
        set_up(one);
        set_up(other);
        // Until the kernel has looked at the cable it drops what is sent.
        return soon([&] { return is_up(one) && is_up(other); });
    }

private:
    static bool is_up(const std::string& interface) {
        const std::string order =
            "ip -o link show dev " + interface + " | grep -q 'state UP' 2> /dev/null";
        return std::system(order.c_str()) == 0;
    }
    static void set_up(const std::string& interface) {
        const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ifreq request{};
        interface.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_flags = IFF_UP;
        ::ioctl(any, SIOCSIFFLAGS, &request);
        ::close(any);
    }

    int before_;
    bool there_ = false;
};

}  // namespace poise::ha
