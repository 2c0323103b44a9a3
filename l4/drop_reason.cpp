#include "l4/drop_reason.hpp"

#include <cassert>

namespace poise::l4 {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Drop::count_)> names{
    "none",       "malformed",    "unsupported",  "no_server",        "servers_full",
    "flows_full", "no_flow",      "server_gone",  "fragment_unknown", "hops_exceeded",
    "too_big",    "no_neighbour", "no_route",     "icmp_unrelated",   "send_failed",
    "no_port",    "ring_full",    "syn_ring_full"};

}  // namespace

std::string_view name(Drop reason) {
    assert(reason < Drop::count_);
    return names[static_cast<std::size_t>(reason)];
}

}  // namespace poise::l4
