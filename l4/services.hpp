// The layer-4 services of one configuration, as all layer-4 threads see them.
#pragma once

#include "base/counter.hpp"
#include "config/model.hpp"
#include "l4/drop_reason.hpp"
#include "l4/flow_record.hpp"
#include "l4/last_drops.hpp"
#include "l4/packet.hpp"
#include "l4/port_table.hpp"
#include "persistence/key.hpp"
#include "persistence/table.hpp"
#include "pool/pool.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::l4 {

/// What one thread has counted for one service. Kept over reloads by the service's name.
struct ServiceCounters {
    Counter flows_begun;  // ever
    Counter flows;        // now
    Counter packets_in;   // from clients, sent on
    Counter packets_out;  // from servers, sent on; with dr they never pass here
    Counter bytes_in;
    Counter bytes_out;
    Counter persistence_hits;
    Counter adopted;  // flows that began in mid-stream
    Counter resets;   // sent to clients of a server that is gone
    DropCounters drops;
    LastDrops last_drops;
};

struct Service {
    std::string name;
    config::Mode mode = config::Mode::nat;
    config::Algorithm scheduler = config::Algorithm::wlc;
    config::Layer4 layer4;
    std::shared_ptr<const pool::Pool> pool;
    std::shared_ptr<persistence::Table> table;  // null: no persistence
    std::optional<persistence::KeyMaker> keys;  // with `table`
    std::vector<std::uint64_t> server_ids;      // persistence::server_id, the pool's order
    std::vector<std::uint16_t> servers;         // numbers of Services::servers, the pool's order
    std::optional<std::uint16_t> fallback;      // one more, when the pool has none that serves
    std::optional<Ip> masquerade;               // as whom the servers' own packets leave
    std::vector<std::shared_ptr<ServiceCounters>> counters;  // one a thread
};

/// A real server by its number, which it keeps as long as flows may refer to it.
struct ServerEntry {
    static constexpr std::uint16_t gone = UINT16_MAX;

    std::shared_ptr<pool::RealServer> server;  // null with `gone`
    Ip ip{};
    std::uint16_t port = 0;        // 0: the one that the client dialled
    std::uint16_t service = gone;  // of Services::services; gone: no configuration names it now
};

/// Immutable; replaced as a whole by a reload.
struct Services {
    std::vector<std::shared_ptr<const Service>> services;
    std::vector<ServerEntry> servers;
    std::vector<Ip> vips;      // the services' addresses by their numbers, which never change
    PortTable by_destination;  // value: the service, value2: the address
    PortTable by_server;       // nat: where servers answer from
};

/// A network interface by its number, which it keeps.
struct Link {
    int index = 0;  // the kernel's; 0: it is no more
    Mac mac{};
    std::uint32_t mtu = 0;
    LinkName name{};  // by which the peer of the pair knows its own
};

/// Where the packets for a server go.
struct Hop {
    bool known = false;
    std::uint16_t link = 0;
    Mac mac{};
    std::uint8_t network_bits =
        0;  // of Ip: the server's network is on the link; 0: behind a router

    bool operator==(const Hop&) const = default;
};

}  // namespace poise::l4
