#include "pool/probe.hpp"

#include <utility>

namespace poise::pool {

namespace {

Task<ProbeResult> from_reason(Task<std::string> probe) {
    auto reason = co_await std::move(probe);
    const bool ok = reason.empty();
    co_return ProbeResult{.ok = ok, .reason = std::move(reason)};
}

Task<ProbeResult> probe_by_kind(const config::HealthCheck& check, const ProbeTarget& target) {
    using config::CheckKind;
    switch (check.check) {
        case CheckKind::tcp:
            return from_reason(probe_tcp(check, target));
        case CheckKind::http:
            return from_reason(probe_http(check, target));
        case CheckKind::tls:
            return from_reason(probe_tls(check, target));
        case CheckKind::dns:
            return from_reason(probe_dns(check, target));
        case CheckKind::smtp:
            return from_reason(probe_smtp(check, target));
        case CheckKind::script:
            return probe_script(check, target);
        case CheckKind::none:
            break;
    }
    std::unreachable();
}

}  // namespace

Task<ProbeResult> run_probe(const config::HealthCheck& check, const ProbeTarget& target) {
    const auto began = std::chrono::steady_clock::now();
    auto result = co_await probe_by_kind(check, target);
    result.duration = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
    co_return result;
}

}  // namespace poise::pool
