// Which layer-4 thread a packet is for, reckoned as the kernel does it (fan_out.bpf.c).
#pragma once

#include "l4/packet.hpp"

#include <cstdint>

namespace poise::l4 {

constexpr unsigned threads_max = 8;

/// One of how many, at most threads_max.
struct ThreadNumber {
    unsigned number = 0;
    unsigned of = 1;
};

/// The one that has all of a client's packets.
unsigned thread_of(const Ip& client, unsigned threads);
/// The one that has the answers to a port which stands for a client (alias_port_first).
unsigned thread_of_alias(std::uint16_t port, unsigned threads);

}  // namespace poise::l4
