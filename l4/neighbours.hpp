// What the kernel knows of the network: interfaces, routes, neighbours. By netlink.
#pragma once

#include "l4/services.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace poise::l4 {

/// An interface that packets of ours may come over: Ethernet, up, and no part of a bridge or bond.
struct Interface {
    int index = 0;
    std::string name;
    Mac mac{};
    std::uint32_t mtu = 0;

    bool operator==(const Interface&) const = default;
};

/// The way to an address.
struct Route {
    int interface = 0;
    Ip next{};                      // the gateway, or the address itself
    std::uint8_t network_bits = 0;  // of Ip: the network on the link that it is in; 0: behind one
};

/// A neighbour that the kernel has found.
struct Neighbour {
    int interface = 0;
    Ip ip{};
    Mac mac{};
};

/// Asks the kernel anew each time: a few system calls, none of which waits for the network.
/// Control thread.
class Neighbours {
public:
    static std::expected<std::unique_ptr<Neighbours>, std::string> open();
    ~Neighbours();
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;

    std::vector<Interface> interfaces();
    std::vector<Neighbour> neighbours();
    /// nullopt: no route, or it is an address of this machine.
    std::optional<Route> route_to(const Ip& ip);
    /// Has the kernel look for the neighbour (ARP, ND) or make sure that it is still there.
    void look_for(int interface, const Ip& ip);

private:
    explicit Neighbours(int fd) : fd_(fd) {}
    std::uint8_t network_bits(const Ip& ip);

    int fd_;
    std::uint32_t sequence_ = 0;
};

}  // namespace poise::l4
