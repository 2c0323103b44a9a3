#include "ha/guardian.hpp"

#include "base/socket_address.hpp"
#include "ha/floating_addresses.hpp"
#include "tests/unit/ha/own_network.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <sys/wait.h>

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

// The guardian's process is this executable, running the case below that is skipped otherwise.
GuardianSettings settings(std::chrono::milliseconds limit) {
    return {.stall_limit = limit,
            .program = {"/proc/self/exe", "--no-skip", "--test-case=the guardian process itself"}};
}

std::vector<config::FloatingAddress> two_addresses() {
    return {{.address = *parse_ip("10.9.9.100"), .prefix_length = 24, .interface = "lo"},
            {.address = *parse_ip("fd09::100"), .prefix_length = 64, .interface = "lo"}};
}

FloatingAddresses held_addresses() {
    auto opened = FloatingAddresses::open(two_addresses());
    REQUIRE(opened);
    REQUIRE(opened->hold(60s, FloatingAddresses::Clock::now()).problems.empty());
    return std::move(*opened);
}

// The other node: a socket that takes what the guardian says.
class Peer {
public:
    Peer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        SocketAddress any(*parse_ip("127.0.0.1"));
        REQUIRE(::bind(fd_, any.get(), any.length) == 0);
    }
    ~Peer() { ::close(fd_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    Address address() const {
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length);
        return to_address(storage);
    }

    std::string heard() {
        pollfd event{fd_, POLLIN, 0};
        if (::poll(&event, 1, 20'000) != 1) return {};
        std::array<char, 100> bytes{};
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        const ssize_t got = ::recvfrom(fd_, bytes.data(), bytes.size(), 0,
                                       reinterpret_cast<sockaddr*>(&storage), &length);
        sender = ip_to_string(to_address(storage));
        return {bytes.data(), static_cast<std::size_t>(got)};
    }

    std::string sender;

private:
    int fd_;
};

void say_goodbye_by(Guardian& guardian, const Peer& peer, std::string_view word) {
    const std::array farewell{Farewell{.from = *parse_ip("127.0.0.2"),
                                       .to = peer.address(),
                                       .datagram = std::as_bytes(std::span(word))}};
    guardian.set_farewell(farewell);
}

}  // namespace

TEST_SUITE("ha/guardian") {
    TEST_CASE("the guardian process itself" * doctest::skip()) {
        std::_Exit(run_guardian());
    }

    TEST_CASE("it takes the addresses of a process that stands still, and says so") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = held_addresses();
        Peer peer;
        auto guardian = Guardian::start(settings(50ms));
        REQUIRE(guardian);
        (*guardian)->set_addresses(two_addresses());
        say_goodbye_by(**guardian, peer, "first");
        say_goodbye_by(**guardian, peer, "leaving");

        CHECK_FALSE((*guardian)->has_taken());
        (*guardian)->beat();  // and never again

        CHECK(soon([&] { return (*guardian)->has_taken(); }));
        CHECK(peer.heard() == "leaving");
        CHECK(peer.sender == "127.0.0.2");
        CHECK(peer.heard() == "leaving");
        CHECK(addresses.present()->empty());

        CHECK(soon([&] { return (*guardian)->take_back(); }));
        CHECK_FALSE((*guardian)->has_taken());
    }

    TEST_CASE("a process that has not begun, or goes on, is left alone") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = held_addresses();
        auto guardian = Guardian::start(settings(2s));
        REQUIRE(guardian);
        (*guardian)->set_addresses(two_addresses());
        REQUIRE(soon([&] { return (*guardian)->is_watching(); }));

        for (int i = 0; i < 1'000; ++i)
            (*guardian)->beat();

        CHECK_FALSE((*guardian)->has_taken());
        CHECK(addresses.present()->size() == 2);
        const pid_t pid = (*guardian)->pid();
        CHECK(::kill(pid, 0) == 0);
        guardian->reset();
        CHECK(::kill(pid, 0) != 0);
        CHECK(addresses.present()->size() == 2);
    }

    TEST_CASE("it outlives the process that it watches, cleans up behind it, and ends") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = held_addresses();
        Peer peer;

        const pid_t main_process = ::fork();
        if (main_process == 0) {
            auto guardian = Guardian::start(settings(10s));
            if (!guardian) std::_Exit(1);
            (*guardian)->set_addresses(two_addresses());
            say_goodbye_by(**guardian, peer, "leaving");
            // What is sent to all of the terminal or the group is not for it.
            ::kill((*guardian)->pid(), SIGTERM);
            ::kill((*guardian)->pid(), SIGINT);
            if (!soon([&] { return (*guardian)->is_watching(); })) std::_Exit(2);
            ::raise(SIGKILL);
        }
        int status = 0;
        ::waitpid(main_process, &status, 0);

        CHECK(WIFSIGNALED(status));
        CHECK(peer.heard() == "leaving");
        CHECK(addresses.present()->empty());
    }

    TEST_CASE("a guardian that was killed has a successor") {
        const OwnNetwork network;
        if (!network) return;
        auto addresses = held_addresses();
        auto guardian = Guardian::start(settings(50ms));
        REQUIRE(guardian);
        (*guardian)->set_addresses(two_addresses());
        REQUIRE(soon([&] { return (*guardian)->is_watching(); }));
        const pid_t first = (*guardian)->pid();
        auto now = std::chrono::steady_clock::now();
        CHECK_FALSE((*guardian)->look_after(now));

        ::kill(first, SIGKILL);

        CHECK(soon([&] { return (*guardian)->look_after(now += 2s).has_value(); }));
        CHECK((*guardian)->pid() != first);
        (*guardian)->beat();
        CHECK(soon([&] { return (*guardian)->has_taken(); }));
        CHECK(soon([&] { return addresses.present()->empty(); }));
    }
}
