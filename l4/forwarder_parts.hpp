// What the files of the forwarder share and nobody else sees.
#pragma once

#include "l4/forwarder.hpp"

#include <chrono>

namespace poise::l4 {

struct Forwarder::View {
    std::shared_ptr<const Service> service;
    pool::Picker picker;
    ServiceCounters& counters;
};

struct Forwarder::Server {
    std::shared_ptr<pool::RealServer> server;
    std::shared_ptr<ServiceCounters> counters;
    View* view = nullptr;  // null: no configuration names it now
    std::size_t flows = 0;
    std::uint64_t id = 0;  // persistence::server_id, by which the peer knows it
};

struct Forwarder::Work {
    Input& input;
    PacketView packet;
    const PortRange* row = nullptr;  // of the service that it is for
    View* view = nullptr;            // once its service is known
    const Flow* flow = nullptr;      // once it is known; it may end with the packet
    Drop reason = Drop::none;        // why there is no server
    bool kept = false;               // persistence knows the client

    std::span<std::uint8_t> frame() const { return input.frame; }
    std::size_t ip_bytes() const { return packet.end - packet.network; }
};

constexpr std::uint16_t no_server = ServerEntry::gone;

/// How long a flow lives after a packet that left it in this state.
std::chrono::milliseconds life_of(FlowState state, const config::Layer4& layer4);

}  // namespace poise::l4
