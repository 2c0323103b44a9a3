#include "app/status.hpp"

#include "app/runtime_text.hpp"

#include <cstddef>

namespace poise::app {

namespace {

std::string state_word(const pool::RealServer& server, const pool::ServerReport& report) {
    const auto admission = server.agent().admission;
    if (report.admin == pool::AdminState::halt) return "halt";
    if (report.admin == pool::AdminState::drain) return "drain";
    if (!server.address()) return "unresolved";
    if (report.health == pool::Health::down) return "down";
    if (admission == pool::AgentState::Admission::maint) return "halt";
    if (admission == pool::AgentState::Admission::drain || report.weight == 0) return "drain";
    return server.backup() ? "backup" : "up";
}

std::string reason_text(const pool::ServerReport& report) {
    if (report.agent.empty()) return report.reason;
    return report.reason + (report.reason.empty() ? "" : "; ") + "agent: " + report.agent;
}

void add_counts(ServiceStatus& status, const proxy::Service& service) {
    std::array<std::uint64_t, static_cast<std::size_t>(proxy::Reason::count_)> failures{};
    for (const auto& worker : service.counters) {
        status.connections += worker->connections.value();
        status.sessions += worker->sessions.value();
        status.requests += worker->requests.value();
        status.bytes_in += worker->bytes_in.value();
        status.bytes_out += worker->bytes_out.value();
        status.datagrams_in += worker->datagrams_in.value();
        status.datagrams_out += worker->datagrams_out.value();
        status.retries += worker->retries.value();
        status.queued += worker->queued.value();
        for (std::size_t i = 0; i < status.responses.size(); ++i)
            status.responses[i] += worker->responses[i].value();
        for (std::size_t i = 0; i < failures.size(); ++i)
            failures[i] += worker->failures[i].value();
    }
    for (std::size_t i = 0; i < failures.size(); ++i) {
        if (failures[i] == 0) continue;
        const auto& facts = proxy::facts(static_cast<proxy::Reason>(i));
        status.failures.emplace_back(facts.id, failures[i]);
    }
}

}  // namespace

LatencyStatus latency_status(const LatencyCounts& all, const LatencyCounts& minute) {
    LatencyStatus status;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < LatencyBuckets::count; ++i) {
        sum += all.buckets[i];
        if (i % LatencyBuckets::parts == 0 && i / LatencyBuckets::parts < LatencyStatus::bounds)
            status.within[i / LatencyBuckets::parts] = sum;
    }
    status.count = sum;
    status.sum_us = all.sum_us;
    status.minute_count = minute.total();
    status.p50_us = minute.percentile_us(0.5);
    status.p99_us = minute.percentile_us(0.99);
    return status;
}

ServerStatus status_of(const pool::RealServer& server) {
    const pool::ServerReport report = server.report();
    const auto address = server.address();
    ServerStatus status;
    status.name = server.name();
    status.address = address ? to_string(*address) : "";
    status.state = state_word(server, report);
    status.weight = report.weight;
    status.connections = server.connections();
    status.connections_max = report.connections_max;
    status.successes = server.successes();
    status.failures = server.failures();
    status.response_us = server.response_us();
    status.reason = reason_text(report);
    const auto since = std::chrono::floor<std::chrono::seconds>(report.since);
    status.since = since.time_since_epoch().count();
    return status;
}

ServiceStatus status_of(const proxy::Service& service) {
    ServiceStatus status;
    status.name = service.configured.name;
    status.mode = config::word(service.configured.mode);
    status.protocol = config::word(service.configured.protocol);
    status.scheduler = config::word(service.configured.scheduler);
    for (const auto& listen : service.configured.listen)
        status.listen.push_back(listen_text(listen));
    if (service.table) status.persistence_entries = service.table->size();
    add_counts(status, service);
    for (const auto& server : service.pool->servers())
        status.servers.push_back(status_of(*server));
    if (service.fallback_server) {
        status.servers.push_back(status_of(*service.fallback_server));
        ServerStatus& fallback = status.servers.back();
        if (fallback.state == "up") fallback.state = "fallback";
    }
    return status;
}

}  // namespace poise::app
