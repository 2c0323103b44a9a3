// The addresses of a host name, by the system's resolver.
#pragma once

#include "base/address.hpp"
#include "base/task.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace poise::pool {

struct Resolved {
    std::vector<Address> found;  // in the system's order, with the port asked for
    std::string wrong;           // why there is none: "Host not found (authoritative)"
};

/// Waits as long as the system's resolver does (resolv.conf: some seconds a name server). All
/// look-ups of an executor run one after another on one background thread.
Task<Resolved> resolve(std::string host, std::uint16_t port);

}  // namespace poise::pool
