// Servers and pools for the tests of pool/, made with few words.
#pragma once

#include "pool/pool.hpp"

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <vector>

namespace poise::pool::test {

inline config::Server configured_server(std::string name, int weight = 100) {
    config::Server server;
    server.name = std::move(name);
    server.host = "10.0.0.1";
    server.port = 80;
    server.address = parse_address("10.0.0.1:80");
    server.weight = weight;
    return server;
}

inline config::Service service_of(std::initializer_list<int> weights,
                                  config::Algorithm scheduler = config::Algorithm::wlc) {
    config::Service service;
    service.name = "web";
    service.scheduler = scheduler;
    for (const int weight : weights)
        service.servers.push_back(
            configured_server(fmt::format("s{}", service.servers.size()), weight));
    return service;
}

/// A pool, one worker's picker, and the connections that a test holds open.
struct TestPool {
    explicit TestPool(const config::Service& service, std::uint64_t seed = 1)
        : pool(std::make_shared<const Pool>(service, nullptr)), picker(pool, seed) {}

    RealServer& server(std::size_t i) const { return *pool->servers()[i]; }
    RealServer* pick(const PickHint& hint = {}) { return picker.pick(hint).server; }
    RealServer* pick_hash(std::uint64_t hash) {
        return pick({.source_hash = hash, .destination_hash = hash, .tried = {}});
    }
    std::size_t index(const RealServer* server) const {
        for (std::size_t i = 0; i < pool->servers().size(); ++i) {
            if (pool->servers()[i].get() == server) return i;
        }
        return ~std::size_t{0};
    }

    std::shared_ptr<const Pool> pool;
    Picker picker;
    std::deque<ConnectionLease> open;
};

}  // namespace poise::pool::test
