// Makes the generation that workers serve from a configuration and the generation before it.
#pragma once

#include "config/model.hpp"
#include "persistence/cookie.hpp"
#include "pool/pool.hpp"
#include "proxy/service.hpp"
#include "tls/contexts.hpp"

#include <memory>
#include <vector>

namespace poise::app {

/// A fallback server as a pool of its own, so that a reload keeps it and the monitor can resolve
/// its name. No health check: a last resort is always worth a try.
struct FallbackPool {
    config::Service service;  // named after the service it belongs to, "web (fallback)"
    std::shared_ptr<const pool::Pool> pool;
};

struct Snapshot {
    std::shared_ptr<const proxy::Generation> generation;
    std::vector<FallbackPool> fallbacks;
};

/// Never fails, for `config` has been checked. Unchanged servers, counters and persistence tables
/// are those of `previous` (may be null), and changed weights, limits and time-outs of these are
/// in force at once: call it when nothing can keep the new generation from being published.
Snapshot make_snapshot(const config::Config& config, const persistence::CookieKey& key,
                       unsigned workers, const Snapshot* previous,
                       std::vector<std::shared_ptr<tls::Contexts>> contexts = {});

/// Whether a service of `config` keeps clients by cookie; these want a key that lasts.
bool uses_cookies(const config::Config& config);

}  // namespace poise::app
