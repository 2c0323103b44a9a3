#include "proxy/session_report.hpp"

#include "proxy/access_log.hpp"
#include "proxy/error_answer.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

namespace poise::proxy {

namespace {

using std::chrono::microseconds;

microseconds between(Engine::Clock::time_point from, Engine::Clock::time_point to) {
    return std::chrono::duration_cast<microseconds>(to - from);
}

std::optional<microseconds> phase(std::optional<Engine::Clock::time_point> from,
                                  std::optional<Engine::Clock::time_point> to) {
    // A server may answer before it has read the request.
    if (!from || !to) return std::nullopt;
    return std::max(between(*from, *to), microseconds{0});
}

// The last one tried, also when it has failed and was given up.
std::string_view server_name(const Exchange& exchange) {
    const pool::RealServer* server = exchange.choice.server();
    if (server == nullptr) server = exchange.attempts().server;
    return server != nullptr ? std::string_view(server->name()) : std::string_view();
}

void count(Exchange& exchange, ServiceCounters& counters) {
    counters.requests.add();
    const int status = exchange.status();
    counters.responses[status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0]
        .add();
    counters.bytes_in.add(exchange.bytes_in);
    counters.bytes_out.add(exchange.bytes_out);
    counters.retries.add(static_cast<std::uint64_t>(exchange.retries));
}

void count_times(const Client& client, const Exchange& exchange, ServiceCounters& counters) {
    constexpr int switching_protocols = 101;
    const Phases& phases = exchange.phases;
    if (!phases.responded) return;  // we have answered ourselves, or nobody has
    counters.head_time.add(between(phases.began, *phases.responded));
    // What an upgraded connection or a tunnel lasts says nothing of how long an answer takes.
    const bool tunnel = exchange.status() == switching_protocols ||
                        (exchange.request().extended_connect && exchange.status() / 100 == 2);
    if (!tunnel) counters.total_time.add(between(phases.began, client.worker.engine().now()));
}

Repeat repeat_of(const Exchange& exchange) {
    if (!exchange.reached_server()) return Repeat::nothing_sent;
    return exchange.request().idempotent ? Repeat::idempotent : Repeat::risky;
}

std::uint8_t attempts_of(int count) {
    return static_cast<std::uint8_t>(std::min(count, 255));
}

void add_incident(Client& client, Incident incident, const Failure& failure) {
    incident.at = std::chrono::system_clock::now();
    incident.client = client.address;
    incident.reason = failure.reason;
    incident.phase = failure.phase;
    incident.side = side_of(failure.reason);
    incident.offset = failure.offset;
    if (failure.error != 0) incident.detail = std::strerror(failure.error);
    if (!failure.text.empty()) incident.detail = failure.text;
    if (auto* incidents = client.worker.shared().incidents) incidents->add(std::move(incident));
}

void write_access_line(Client& client, const AccessRecord& record) {
    LogQueue* log = client.worker.access_log();
    if (log == nullptr) return;
    std::string line;
    line.reserve(512);
    append_access_line(line, record, client.worker.shared().access_format);
    log->push(line);
}

AccessRecord record_of(Client& client, Exchange& exchange) {
    const auto now = client.worker.engine().now();
    const auto& phases = exchange.phases;
    AccessRecord record;
    record.total = between(phases.began, now);
    record.at = std::chrono::system_clock::now() - record.total;
    record.client = exchange.effective_client();
    record.service = exchange.service->service.configured.name;
    record.server = server_name(exchange);
    record.method = exchange.request().method;
    record.target = exchange.request().target;
    record.host = exchange.request().authority;
    record.http_major = exchange.request().major;
    record.http_minor = exchange.request().minor;
    record.status = exchange.status();
    record.bytes_in = exchange.bytes_in;
    record.bytes_out = exchange.bytes_out;
    record.queue = phase(phases.began, phases.got_server);
    record.connect = phase(phases.got_server, phases.connected);
    record.first_byte = phase(phases.sent, phases.responded);
    record.request_id = exchange.request_id();
    record.reason = exchange.failure().reason;
    record.retries = exchange.retries;
    record.upstream_reused = exchange.reused;
    return record;
}

}  // namespace

void report_exchange(Client& client, Exchange& exchange) {
    if (exchange.service == nullptr) exchange.service = &client.worker_service();
    ServiceCounters& counters = exchange.service->counters;
    count(exchange, counters);
    count_times(client, exchange, counters);
    const Failure& failure = exchange.failure();
    if (failure.reason != Reason::none)
        counters.failures[static_cast<std::size_t>(failure.reason)].add();
    // To be sent to https is no failure that anybody would ask about.
    if (failure.reason != Reason::none && failure.reason != Reason::https_required) {
        Incident incident;
        incident.request_id = exchange.request_id();
        incident.service = exchange.service->service.configured.name;
        incident.server = server_name(exchange);
        incident.attempts = attempts_of(exchange.attempts().count);
        incident.repeat = repeat_of(exchange);
        add_incident(client, std::move(incident), failure);
    }
    if (client.worker.access_log() != nullptr)
        write_access_line(client, record_of(client, exchange));
}

void report_tcp_session(Client& client, const TcpReport& report) {
    WorkerService& service = *report.service;
    ServiceCounters& counters = service.counters;
    counters.requests.add();
    counters.bytes_in.add(report.bytes_in);
    counters.bytes_out.add(report.bytes_out);
    counters.retries.add(static_cast<std::uint64_t>(report.attempts > 1 ? report.attempts - 1 : 0));
    std::string id;  // as of a request: `poise why` and the access log speak of the same session
    if (report.failure.reason != Reason::none || client.worker.access_log() != nullptr)
        id = client.worker.ids().next().view();
    if (report.failure.reason != Reason::none) {
        counters.failures[static_cast<std::size_t>(report.failure.reason)].add();
        Incident incident;
        incident.request_id = id;
        incident.service = service.service.configured.name;
        incident.server = report.server_name;
        incident.attempts = attempts_of(report.attempts);
        incident.repeat = report.bytes_in == 0 ? Repeat::nothing_sent : Repeat::risky;
        add_incident(client, std::move(incident), report.failure);
    }
    AccessRecord record;
    record.is_request = false;
    record.total = between(report.began, client.worker.engine().now());
    record.at = std::chrono::system_clock::now() - record.total;
    record.client = client.address;
    record.service = service.service.configured.name;
    record.server = report.server_name;
    record.bytes_in = report.bytes_in;
    record.bytes_out = report.bytes_out;
    record.request_id = id;
    record.reason = report.failure.reason;
    write_access_line(client, record);
}

void report_early_failure(Client& client, const Failure& failure) {
    WorkerService& service = client.worker_service();
    service.counters.failures[static_cast<std::size_t>(failure.reason)].add();
    Incident incident;
    incident.request_id = client.worker.ids().next().view();
    incident.service = service.service.configured.name;
    add_incident(client, std::move(incident), failure);
}

}  // namespace poise::proxy
