// Whom this machine has spoken to on an interface: the kernel's neighbour table and its gateways.
#pragma once

#include "ha/announcements.hpp"
#include "ha/netlink.hpp"

#include <optional>
#include <vector>

namespace poise::ha {

/// Those with a known hardware address; then the gateways of the default routes through the
/// interface, with theirs when the table has it. At most neighbours_max. Costs a few system calls.
std::vector<Neighbour> kernel_neighbours(NetlinkSocket& socket, unsigned interface);

/// Of the default route through the interface; `family` is AF_INET or AF_INET6.
std::optional<Address> gateway_of(NetlinkSocket& socket, int family, unsigned interface);

}  // namespace poise::ha
