// A packet that layer 4 did not send on, with the names that people know.
#pragma once

#include "l4/last_drops.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace poise::app {

struct Dropped {
    std::chrono::system_clock::time_point at;
    std::string service;          // empty: it was of none
    std::string server;           // empty: none was chosen
    l4::DroppedPacket packet;     // the example
    std::uint64_t packets_total;  // that the service dropped for this reason, ever
};

}  // namespace poise::app
