// UDP sockets: the one that clients send to, and the ones towards servers.
#pragma once

#include "base/address.hpp"

#include <expected>
#include <string>

namespace poise::proxy {

/// Binds with SO_REUSEPORT, so that the kernel keeps each client on one worker's socket. `[::]`
/// takes IPv4 too. A wildcard socket tells each datagram's destination. The error is a sentence
/// with the cure. `floating`: no interface needs to have the address now.
std::expected<int, std::string> open_udp_listener(const Address& address, bool floating = false);

/// A listening socket as the kernel has it, which may differ from what was asked for: on a machine
/// without IPv6 `[::]` is `0.0.0.0`.
struct UdpDoor {
    int fd = -1;
    bool v6 = false;
    bool wildcard = false;  // replies must say from which address they come
};
UdpDoor udp_door(int fd);
/// From now on the kernel gives what comes to others of its address. What has come can be read.
void stop_hearing(const UdpDoor& door);

/// A socket that hears `server` alone, and what ICMP says of it. The error is an errno.
std::expected<int, int> connect_udp(const Address& server);

}  // namespace poise::proxy
