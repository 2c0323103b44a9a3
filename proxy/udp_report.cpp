#include "proxy/udp_report.hpp"

#include "proxy/access_log.hpp"
#include "proxy/udp_session.hpp"
#include "proxy/worker.hpp"

#include <cstring>
#include <string>
#include <utility>

namespace poise::proxy {

void UdpReporter::note(WorkerService& service, const Failure& failure, unsigned count) {
    const auto index = static_cast<std::size_t>(failure.reason);
    service.counters.failures[index].add(count);
    const auto now = worker_.engine().now();
    auto* incidents = worker_.shared().incidents;
    if (incidents == nullptr || now - told_[index] < repeat_after) return;
    told_[index] = now;
    Incident incident;
    incident.at = std::chrono::system_clock::now();
    incident.request_id = failure.id.empty() ? worker_.ids().next().view() : failure.id;
    incident.service = service.service.configured.name;
    incident.server = failure.server;
    incident.client = failure.client;
    incident.reason = failure.reason;
    incident.side = side_of(failure.reason);
    incident.phase = failure.phase;
    incident.repeat = failure.repeat;
    if (failure.error != 0) incident.detail = std::strerror(failure.error);
    incidents->add(std::move(incident));
}

void UdpReporter::note_end(const UdpSession& session, Reason reason) {
    WorkerService& service = session.service();
    service.counters.requests.add();
    const std::string_view server =
        session.server() != nullptr ? std::string_view(session.server()->name()) : "";
    LogQueue* log = worker_.access_log();
    if (reason == Reason::none && log == nullptr) return;
    const auto id = worker_.ids().next();
    if (reason != Reason::none) {
        note(service, {.reason = reason,
                       .server = server,
                       .client = session.key.client,
                       .repeat = Repeat::risky,
                       .id = id.view()});
    }
    if (log == nullptr) return;
    AccessRecord record;
    record.is_request = false;
    record.total = std::chrono::duration_cast<std::chrono::microseconds>(worker_.engine().now() -
                                                                         session.began);
    record.at = std::chrono::system_clock::now() - record.total;
    record.client = session.key.client;
    record.service = session.configured().name;
    record.server = server;
    record.bytes_in = session.bytes_in;
    record.bytes_out = session.bytes_out;
    record.datagrams_in = session.datagrams_in;
    record.datagrams_out = session.datagrams_out;
    record.request_id = id.view();
    record.reason = reason;
    std::string line;
    line.reserve(512);
    append_access_line(line, record, worker_.shared().access_format);
    log->push(line);
}

}  // namespace poise::proxy
