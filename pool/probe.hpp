// One health check of one server: asks it something and says whether the answer is right. All
// probes run on the control thread and end within the check's time-out.
#pragma once

#include "base/address.hpp"
#include "base/task.hpp"
#include "config/model.hpp"
#include "tls/client_context.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace poise::pool {

struct ProbeTarget {
    Address server;    // with the port to probe
    std::string host;  // as configured, for the HTTP Host and TLS SNI when the check has none
    Address virtual_address;  // what the service listens on, for scripts; may be all 0
    /// http: the server speaks TLS, by the service's context and under this name; null: it does
    /// not.
    std::shared_ptr<tls::ClientContext> tls = nullptr;
    tls::ServerName tls_name = {};
};

struct ProbeResult {
    bool ok = false;
    std::string reason;  // what went wrong; a script's first line also when all is well
    std::chrono::microseconds duration{0};
};

/// Probes by `check.check`, which is not `none`. Never throws but when cancelled.
Task<ProbeResult> run_probe(const config::HealthCheck& check, const ProbeTarget& target);

// One kind a file. Each returns "" when the server has answered as it should, else what went
// wrong.
Task<std::string> probe_tcp(const config::HealthCheck& check, const ProbeTarget& target);
Task<std::string> probe_http(const config::HealthCheck& check, const ProbeTarget& target);
Task<std::string> probe_tls(const config::HealthCheck& check, const ProbeTarget& target);
Task<std::string> probe_dns(const config::HealthCheck& check, const ProbeTarget& target);
Task<std::string> probe_smtp(const config::HealthCheck& check, const ProbeTarget& target);
/// Speaks also when all is well, so it gives the whole result.
Task<ProbeResult> probe_script(const config::HealthCheck& check, const ProbeTarget& target);

}  // namespace poise::pool
