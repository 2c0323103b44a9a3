// A flow: what layer 4 remembers of one client's TCP connection or UDP conversation.
#pragma once

#include "l4/packet.hpp"

#include <cstdint>

namespace poise::l4 {

/// What both directions of a flow have in common, so that one look-up finds it from either side:
/// the client is the source of one direction and the destination of the other.
struct ClientKey {
    Ip client{};
    std::uint16_t client_port = 0;
    std::uint8_t protocol = 0;
};

enum class FlowState : std::uint8_t {
    opening,      // tcp: a SYN was seen, and no more
    established,  // tcp
    closing,      // tcp: a FIN or RST was seen
    single,       // udp: one datagram, and no more
    datagrams,    // udp
};

constexpr std::uint32_t no_flow = UINT32_MAX;

/// Ports of a service's address as which clients in the servers' own network appear, so that the
/// servers' answers come back here.
constexpr std::uint16_t alias_port_first = 49'152;
/// No protocol that has ports: entries of the table that keep a pair of ports together.
constexpr std::uint8_t protocol_pair = 255;

/// One cache line.
struct alignas(64) Flow {
    Ip client{};
    std::uint16_t client_port = 0;
    std::uint16_t port = 0;        // the service's, as the client dialled it
    std::uint16_t vip = 0;         // the service's address, an index of Services::vips
    std::uint16_t server = 0;      // an index of Services::servers
    Mac client_mac{};              // the way back: whom the client's packets came from last,
    std::uint16_t link = 0;        // and over which link
    std::uint32_t client_ack = 0;  // tcp: what the client awaits next; aside: the flow's number
    std::uint32_t expires = 0;     // tick of the table's clock
    std::uint32_t next = no_flow;  // of its queue in the table
    std::uint32_t previous = no_flow;
    std::uint32_t hash = 0;
    std::uint32_t told = 0;  // `expires` as the peer of the pair knows it; 0: not as it is now
    std::uint16_t queue = 0;
    FlowState state = FlowState::opening;
    std::uint8_t protocol = 0;
    std::uint8_t fins : 2 = 0;     // bit 0: from the client, bit 1: from the server
    std::uint8_t packets : 6 = 0;  // since it began, up to what the fast path asks for
    bool answered : 1 = false;     // the server has said something
    bool used : 1 = false;         // a flow stands here
    bool kept : 1 = false;         // persistence knows the client
    bool elsewhere : 1 = false;    // told by the peer, and none of its packets has come here
    bool to_be_told : 1 = false;   // waits in the queue of changes for the peer
    bool fast : 1 = false;         // goes by the fast path
    bool aside : 1 = false;        // no flow: leads to one, or to the server of a pair of ports
    std::uint16_t alias_port = 0;  // of the service's address: as whom the server sees the client
};
static_assert(sizeof(Flow) == 64);

}  // namespace poise::l4
