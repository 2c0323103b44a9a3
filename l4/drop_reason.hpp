// Why a packet was not sent on: one counter each.
#pragma once

#include "base/counter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poise::l4 {

enum class Drop : std::uint8_t {
    none,
    malformed,         // lengths and headers contradict each other
    unsupported,       // a header that we cannot look behind
    no_server,         // no server may take a new flow
    servers_full,      // all that may are at their limits
    flows_full,        // the flow table has no place left
    no_flow,           // in mid-stream, of no flow, and not adopted
    server_gone,       // its server was halted or went down
    fragment_unknown,  // its first fragment was not seen
    hops_exceeded,     // its time to live ends here
    too_big,           // for the next network; its sender was told
    no_neighbour,      // the server's link-layer address is not known
    no_route,          // no network interface leads there
    icmp_unrelated,    // an ICMP error about no flow of ours
    send_failed,       // the kernel did not take it
    no_port,           // none left for a client in the servers' own network
    ring_full,         // the kernel found no room in the ring: we were too slow
    syn_ring_full,     // the same of SYNs, which have a ring of their own: a flood
    count_,
};

struct DropFacts {
    std::string_view name;  // of the counter in status and metrics: "no_server"
    std::string_view side;  // who is at fault, as the proxy says it: "client", "server", "us"
    std::string_view text;  // one sentence for people: what is wrong
    std::string_view cure;  // what to do
};

const DropFacts& facts(Drop reason);

inline std::string_view name(Drop reason) {
    return facts(reason).name;
}

using DropCounters = std::array<Counter, static_cast<std::size_t>(Drop::count_)>;

inline void count(DropCounters& counters, Drop reason, std::uint64_t n = 1) {
    counters[static_cast<std::size_t>(reason)].add(n);
}

}  // namespace poise::l4
