// Sockets of `poise pair offer` and `poise pair join`: blocking for at most a limit, as commands
// do.
#pragma once

#include "base/address.hpp"

#include <chrono>
#include <expected>
#include <string>

namespace poise::app {

/// Beside the port of the heartbeat, where a running Poise listens.
constexpr std::uint16_t pairing_port = 9695;

/// Closes its descriptor.
class Socket {
public:
    explicit Socket(int fd = -1) : fd_(fd) {}
    ~Socket();
    Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Socket& operator=(Socket&& other) noexcept;

    int fd() const { return fd_; }

private:
    int fd_;
};

struct PairingConnection {
    Socket socket;  // does not wait
    Address local, remote;
};

using PairingTime = std::chrono::steady_clock::time_point;

/// The errors are sentences.
std::expected<Socket, std::string> listen_for_pairing(const Address& at);
/// Waits until `until` at most.
std::expected<PairingConnection, std::string> accept_pairing(const Socket& listener,
                                                             PairingTime until);
/// `host`: an address or a name, with or without a port. Tries each address for five seconds.
std::expected<PairingConnection, std::string> connect_for_pairing(const std::string& host);

}  // namespace poise::app
