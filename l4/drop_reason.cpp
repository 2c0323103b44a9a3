#include "l4/drop_reason.hpp"

#include <cassert>

namespace poise::l4 {

namespace {

constexpr std::array<DropFacts, static_cast<std::size_t>(Drop::count_)> table{{
    {"none", "us", "", ""},
    {"malformed", "client", "The lengths and headers of the packet contradict each other.",
     "Nothing, unless they are many: then a sender on this network is broken or hostile."},
    {"unsupported", "client", "The packet has a header that Poise cannot look behind.",
     "Nothing: no client of TCP or UDP sends such packets."},
    {"no_server", "server", "No server may take a new flow.",
     "Bring a server back: poise status tells why each is out."},
    {"servers_full", "server", "Every server that may take a new flow is at its max_connections.",
     "Raise max_connections, or add a server."},
    {"flows_full", "us", "The table of flows is full, and none in it is half-open.",
     "Shorten the service's time-outs, or share the clients among more nodes."},
    {"no_flow", "client", "The packet is from the middle of a connection that is not known here.",
     "Nothing: its client connects anew. With adopt: true such connections are taken over."},
    {"server_gone", "server", "The server of this flow was halted or went down.",
     "Its client connects anew and gets another server; poise status tells why that one is out."},
    {"fragment_unknown", "client", "The flow that this fragment belongs to has ended.",
     "Nothing, unless they are many: then the path to the client should carry larger packets."},
    {"hops_exceeded", "client", "The packet's time to live ends here.",
     "Nothing for a traceroute; else look for a loop of routes before this node."},
    {"too_big", "client",
     "The packet is larger than the next network takes, as its sender is told.",
     "Let ICMP pass to the sender, or give the networks on both sides the same MTU."},
    {"no_neighbour", "server", "The server's address is not answered for on its network.",
     "See that the server runs and that this node's network leads to it: ip neigh, ip route get."},
    {"no_route", "us", "The network interface that leads there is gone.",
     "Bring the interface back: ip link."},
    {"icmp_unrelated", "client", "The ICMP error is about no flow that is known here.",
     "Nothing: it is late, or made up."},
    {"send_failed", "us", "The kernel did not take the packet.",
     "See that the interface is up and its queue not overrun: ip -s link."},
    {"no_port", "us", "No port is left to stand for a client in the servers' own network.",
     "Use mode snat or dr for so many clients beside the servers, or move them elsewhere."},
    {"ring_full", "us", "Packets came faster than layer 4 took them.",
     "Give this node a core of its own for the thread poise-l4-0, or share the load."},
    {"syn_ring_full", "client", "SYNs came faster than layer 4 took them.",
     "It is a flood, or a core is missing: established flows are not touched by it."},
}};

constexpr bool all_named() {
    for (const DropFacts& one : table)
        if (one.name.empty()) return false;
    return true;
}
static_assert(all_named());

}  // namespace

const DropFacts& facts(Drop reason) {
    assert(reason < Drop::count_);
    return table[static_cast<std::size_t>(reason)];
}

}  // namespace poise::l4
