#include "app/snapshot.hpp"

#include "base/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace poise::app {

namespace {

using config::PersistenceMethod;

bool uses_table(const config::Persistence& persistence) {
    return persistence.method == PersistenceMethod::source ||
           persistence.method == PersistenceMethod::header ||
           persistence.method == PersistenceMethod::rdp;
}

// With another time-out the entries are still good; with another key they are found no more.
bool same_table(const config::Persistence& a, const config::Persistence& b) {
    if (a.method != b.method || a.entries != b.entries) return false;
    if (a.method == PersistenceMethod::header) return a.name == b.name;
    return a.mask == b.mask && a.mask6 == b.mask6;
}

// Cookies and tables get secrets that do not tell each other's.
HashKey table_secret(const persistence::CookieKey& key) {
    HashKey base;
    std::memcpy(&base.first, key.data(), sizeof base.first);
    std::memcpy(&base.second, key.data() + sizeof base.first, sizeof base.second);
    const std::string_view rest{reinterpret_cast<const char*>(key.data()), key.size()};
    const Hash128 derived = keyed_hash(base, rest);
    return {derived.high, derived.low};
}

void add_persistence(proxy::Service& service, const persistence::CookieKey& key,
                     const proxy::Service* previous) {
    const config::Persistence& wanted = service.configured.persistence;
    std::vector<std::string> names;
    for (const auto& server : service.pool->servers()) {
        names.push_back(server->name());
        service.server_ids.push_back(
            persistence::server_id(service.configured.name, server->name()));
    }
    if (wanted.method == PersistenceMethod::cookie)
        service.cookies.emplace(service.configured.name, key, names, wanted.name, wanted.http_only);
    if (!uses_table(wanted)) return;
    service.keys.emplace(service.configured.name, table_secret(key), wanted.mask, wanted.mask6);
    if (previous != nullptr && previous->table &&
        same_table(previous->configured.persistence, wanted)) {
        service.table = previous->table;
        service.table->set_timeout(wanted.timeout);
    } else {
        const std::size_t entries = std::max<std::size_t>(wanted.entries, 1);
        service.table = std::make_shared<persistence::Table>(entries, wanted.timeout);
    }
}

void add_workers_parts(proxy::Service& service, unsigned workers, const proxy::Service* previous) {
    if (previous != nullptr && previous->counters.size() == workers) {
        service.counters = previous->counters;
        service.queue = previous->queue;
        return;
    }
    service.queue = std::make_shared<proxy::ServerQueue>(workers);
    for (unsigned i = 0; i < workers; ++i)
        service.counters.push_back(std::make_shared<proxy::ServiceCounters>());
}

const pool::Pool* find_pool(const Snapshot* snapshot, const std::string& fallback_name) {
    if (snapshot == nullptr) return nullptr;
    for (const auto& fallback : snapshot->fallbacks)
        if (fallback.service.name == fallback_name) return fallback.pool.get();
    return nullptr;
}

FallbackPool make_fallback(const config::Service& owner, const Snapshot* previous) {
    config::Service service;
    service.name = owner.name + " (fallback)";
    service.protocol = owner.protocol;
    service.health.check = config::CheckKind::none;
    service.health.passive = false;
    service.servers = {*owner.fallback->server};
    auto pool = std::make_shared<const pool::Pool>(service, find_pool(previous, service.name));
    return {std::move(service), std::move(pool)};
}

std::string hsts_field(const config::Hsts& hsts) {
    if (hsts.max_age.count() == 0) return {};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(hsts.max_age);
    return fmt::format("Strict-Transport-Security: max-age={}{}{}\r\n", seconds.count(),
                       hsts.include_subdomains ? "; includeSubDomains" : "",
                       hsts.preload ? "; preload" : "");
}

void resolve_rules(proxy::Generation& generation) {
    for (const auto& service : generation.services) {
        const auto add_cookie = [&](const proxy::Service& one) {
            auto& names = service->cookie_names;
            const std::string& name = one.configured.persistence.name;
            if (one.cookies && std::ranges::find(names, name) == names.end()) names.push_back(name);
        };
        add_cookie(*service);
        for (const config::Rule& rule : service->configured.rules) {
            const proxy::Service* used =
                rule.use.empty() ? service.get() : generation.find(rule.use);
            assert(used != nullptr);  // the checker has seen to it
            service->rule_services.push_back(used->index);
            add_cookie(*used);
        }
    }
}

}  // namespace

Snapshot make_snapshot(const config::Config& config, const persistence::CookieKey& key,
                       unsigned workers, const Snapshot* previous,
                       std::vector<std::shared_ptr<tls::Contexts>> contexts) {
    assert(workers > 0);
    auto generation = std::make_shared<proxy::Generation>();
    const proxy::Generation* before = previous ? previous->generation.get() : nullptr;
    generation->number = before ? before->number + 1 : 1;
    generation->tls = std::move(contexts);
    Snapshot made;
    for (const config::Service& configured : config.services) {
        const proxy::Service* known = before ? before->find(configured.name) : nullptr;
        auto service = std::make_unique<proxy::Service>();
        service->configured = configured;
        service->index = generation->services.size();
        service->pool =
            std::make_shared<const pool::Pool>(configured, known ? known->pool.get() : nullptr);
        service->router = proxy::Router(configured.rules);
        service->hsts_field = hsts_field(configured.hsts);
        add_persistence(*service, key, known);
        add_workers_parts(*service, workers, known);
        if (configured.fallback && configured.fallback->server) {
            made.fallbacks.push_back(make_fallback(configured, previous));
            service->fallback_server = made.fallbacks.back().pool->servers().front();
        }
        generation->services.push_back(std::move(service));
    }
    resolve_rules(*generation);
    made.generation = std::move(generation);
    return made;
}

bool uses_cookies(const config::Config& config) {
    return std::ranges::any_of(config.services, [](const config::Service& service) {
        return service.persistence.method == PersistenceMethod::cookie;
    });
}

}  // namespace poise::app
