// A service of one generation of the configuration, ready to serve; shared by all workers.
#pragma once

#include "base/counter.hpp"
#include "base/latency_histogram.hpp"
#include "config/model.hpp"
#include "persistence/cookie.hpp"
#include "persistence/key.hpp"
#include "persistence/table.hpp"
#include "pool/pool.hpp"
#include "proxy/refusal.hpp"
#include "proxy/router.hpp"
#include "proxy/server_queue.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::tls {
class Contexts;
}  // namespace poise::tls

namespace poise::proxy {

/// What one worker has counted for one service. Kept over reloads by the service's name.
struct ServiceCounters {
    Counter connections;               // accepted, ever
    Counter sessions;                  // client connections open now
    Counter requests;                  // heads that were whole; tcp, udp: sessions that ended
    std::array<Counter, 6> responses;  // by class: [2] is 2xx; [0] none could be given
    Counter bytes_in;                  // from clients
    Counter bytes_out;                 // to clients
    Counter datagrams_in;              // udp: from clients
    Counter datagrams_out;             // udp: to clients
    Counter retries;
    Counter upstream_connects;
    Counter upstream_reuses;
    Counter persistence_hits;
    Counter queued;  // requests that had to wait for a server, ever
    std::array<Counter, static_cast<std::size_t>(Reason::count_)> failures;  // by reason
    LatencyHistogram head_time;   // http: from the whole request head to the response's
    LatencyHistogram total_time;  // http: to the last byte of the answer; no upgraded connections
};

/// Immutable once published in a Generation, but for what the shared parts count.
struct Service {
    config::Service configured;
    std::size_t index = 0;  // in the Generation
    std::shared_ptr<const pool::Pool> pool;
    Router router{{}};
    std::vector<std::size_t> rule_services;  // a rule's index to the index of the service it uses

    std::optional<persistence::CookieJar> cookies;  // servers in the pool's order
    std::vector<std::string> cookie_names;          // of this service and those that its rules use
    std::shared_ptr<persistence::Table> table;      // source, header, rdp; kept over reloads
    std::optional<persistence::KeyMaker> keys;      // with `table`
    std::vector<std::uint64_t> server_ids;          // persistence::server_id, the pool's order

    std::shared_ptr<pool::RealServer> fallback_server;       // null: none
    std::vector<std::shared_ptr<ServiceCounters>> counters;  // one a worker
    std::shared_ptr<ServerQueue> queue;                      // kept over reloads
    std::string hsts_field;  // "Strict-Transport-Security: ...\r\n"; empty: none
};

/// One configuration in force. Immutable; sessions hold the one they work with.
struct Generation {
    std::uint64_t number = 1;
    std::vector<std::unique_ptr<Service>> services;
    std::vector<std::shared_ptr<tls::Contexts>> tls;  // by worker; empty: nobody speaks TLS

    const Service* find(std::string_view name) const {
        for (const auto& service : services)
            if (service->configured.name == name) return service.get();
        return nullptr;
    }
};

}  // namespace poise::proxy
