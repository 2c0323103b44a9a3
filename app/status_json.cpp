// The status as JSON, for programs and between `poise status` and the running Poise.
#include "app/pair_text.hpp"
#include "app/status.hpp"
#include "app/text.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace poise::app {

using nlohmann::json;

namespace {

using std::chrono::seconds;

constexpr std::string_view http_protocol = "http";
constexpr std::array<const char*, 6> response_classes{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

json to_object(const ServerStatus& server) {
    const std::chrono::system_clock::time_point since{seconds{server.since}};
    return {
        {"name", server.name},
        {"address", server.address},
        {"state", server.state},
        {"weight", server.weight},
        {"connections", server.connections},
        {"connections_max", server.connections_max == 0 ? json() : json(server.connections_max)},
        {"successes", server.successes},
        {"failures", server.failures},
        {"response_us", server.response_us},
        {"reason", server.reason},
        {"since", server.since == 0 ? json() : json(time_text(since))}};
}

json to_object(const LatencyStatus& latency) {
    json within = json::array();
    for (std::size_t i = 0; i < latency.within.size(); ++i)
        within.push_back({latency_bound_us(i), latency.within[i]});
    return {{"count", latency.count},
            {"sum_us", latency.sum_us},
            {"within_us", std::move(within)},
            {"minute",
             {{"count", latency.minute_count},
              {"p50_us", latency.p50_us},
              {"p99_us", latency.p99_us}}}};
}

json to_object(const ServiceStatus& service) {
    json failures = json::object();
    for (const auto& [reason, count] : service.failures)
        failures[reason] = count;
    json responses = json::object();
    for (std::size_t i = 0; i < response_classes.size(); ++i)
        responses[response_classes[i]] = service.responses[i];
    json servers = json::array();
    for (const ServerStatus& server : service.servers)
        servers.push_back(to_object(server));
    json object{{"name", service.name},
                {"mode", service.mode},
                {"protocol", service.protocol},
                {"scheduler", service.scheduler},
                {"listen", service.listen},
                {"connections", service.connections},
                {"sessions", service.sessions},
                {"requests", service.requests},
                {"responses", std::move(responses)},
                {"bytes_in", service.bytes_in},
                {"bytes_out", service.bytes_out},
                {"datagrams_in", service.datagrams_in},
                {"datagrams_out", service.datagrams_out},
                {"retries", service.retries},
                {"queued", service.queued},
                {"persistence_entries", service.persistence_entries},
                {"failures", std::move(failures)},
                {"servers", std::move(servers)}};
    if (service.protocol == http_protocol)
        object["latency"] = {{"head", to_object(service.head_time)},
                             {"total", to_object(service.total_time)}};
    return object;
}

json time_or_null(std::int64_t at) {
    if (at == 0) return nullptr;
    return time_text(std::chrono::system_clock::time_point{seconds{at}});
}

json to_object(const CertificateStatus& certificate) {
    return {{"file", certificate.file}, {"names", certificate.names},
            {"key", certificate.key},   {"not_after", time_or_null(certificate.not_after)},
            {"ocsp", certificate.ocsp}, {"stapled_until", time_or_null(certificate.stapled_until)}};
}

std::int64_t since_from(const json& text) {
    if (text.is_null()) return 0;
    const auto at = parse_time(text.get<std::string>());
    if (!at) throw std::invalid_argument("a time is none");
    return std::chrono::floor<seconds>(at->time_since_epoch()).count();
}

ServerStatus server_from(const json& object) {
    ServerStatus server;
    object.at("name").get_to(server.name);
    object.at("address").get_to(server.address);
    object.at("state").get_to(server.state);
    object.at("weight").get_to(server.weight);
    object.at("connections").get_to(server.connections);
    const json& most = object.at("connections_max");
    if (!most.is_null()) most.get_to(server.connections_max);
    object.at("successes").get_to(server.successes);
    object.at("failures").get_to(server.failures);
    object.at("response_us").get_to(server.response_us);
    object.at("reason").get_to(server.reason);
    server.since = since_from(object.at("since"));
    return server;
}

LatencyStatus latency_from(const json& object) {
    LatencyStatus latency;
    object.at("count").get_to(latency.count);
    object.at("sum_us").get_to(latency.sum_us);
    for (std::size_t i = 0; i < latency.within.size(); ++i)
        object.at("within_us").at(i).at(1).get_to(latency.within[i]);
    object.at("minute").at("count").get_to(latency.minute_count);
    object.at("minute").at("p50_us").get_to(latency.p50_us);
    object.at("minute").at("p99_us").get_to(latency.p99_us);
    return latency;
}

CertificateStatus certificate_from(const json& object) {
    CertificateStatus certificate;
    object.at("file").get_to(certificate.file);
    object.at("names").get_to(certificate.names);
    object.at("key").get_to(certificate.key);
    certificate.not_after = since_from(object.at("not_after"));
    object.at("ocsp").get_to(certificate.ocsp);
    certificate.stapled_until = since_from(object.at("stapled_until"));
    return certificate;
}

ServiceStatus service_from(const json& object) {
    ServiceStatus service;
    object.at("name").get_to(service.name);
    object.at("mode").get_to(service.mode);
    object.at("protocol").get_to(service.protocol);
    object.at("scheduler").get_to(service.scheduler);
    object.at("listen").get_to(service.listen);
    object.at("connections").get_to(service.connections);
    object.at("sessions").get_to(service.sessions);
    object.at("requests").get_to(service.requests);
    for (std::size_t i = 0; i < response_classes.size(); ++i)
        object.at("responses").at(response_classes[i]).get_to(service.responses[i]);
    object.at("bytes_in").get_to(service.bytes_in);
    object.at("bytes_out").get_to(service.bytes_out);
    object.at("datagrams_in").get_to(service.datagrams_in);
    object.at("datagrams_out").get_to(service.datagrams_out);
    object.at("retries").get_to(service.retries);
    object.at("queued").get_to(service.queued);
    object.at("persistence_entries").get_to(service.persistence_entries);
    for (const auto& [reason, count] : object.at("failures").items())
        service.failures.emplace_back(reason, count.get<std::uint64_t>());
    if (object.contains("latency")) {
        service.head_time = latency_from(object.at("latency").at("head"));
        service.total_time = latency_from(object.at("latency").at("total"));
    }
    for (const json& server : object.at("servers"))
        service.servers.push_back(server_from(server));
    return service;
}

Status status_from(const json& object) {
    Status status;
    object.at("node").get_to(status.node);
    object.at("version").get_to(status.version);
    object.at("uptime_s").get_to(status.uptime_s);
    object.at("generation").get_to(status.generation);
    object.at("generations_ending").get_to(status.generations_ending);
    object.at("workers").get_to(status.workers);
    status.io = object.value("io", "");
    object.at("connections").get_to(status.connections);
    // One that was started before there was such a thing still answers.
    status.worker_connections = object.value("worker_connections", status.worker_connections);
    object.at("refused_connections").get_to(status.refused_connections);
    object.at("accept_errors").get_to(status.accept_errors);
    object.at("incidents").get_to(status.incidents);
    object.at("draining").get_to(status.draining);
    if (object.contains("pair")) status.pair = pair_from_json(object.at("pair").dump());
    if (const auto layer4 = object.find("layer4"); layer4 != object.end())
        status.layer4 = Layer4Status{
            layer4->at("flows").get<std::uint64_t>(), layer4->at("fast_flows").get<std::uint64_t>(),
            layer4->at("no_fast_path").get<std::string>(), layer4->value("threads", 1U)};
    for (const auto& [reason, count] : object.at("packets_dropped").items())
        status.packets_dropped.emplace_back(reason, count.get<std::uint64_t>());
    // One that runs since before an upgrade does not tell of them.
    if (object.contains("certificates"))
        for (const json& certificate : object.at("certificates"))
            status.certificates.push_back(certificate_from(certificate));
    for (const json& service : object.at("services"))
        status.services.push_back(service_from(service));
    return status;
}

}  // namespace

std::string status_to_json(const Status& status) {
    json services = json::array();
    for (const ServiceStatus& service : status.services)
        services.push_back(to_object(service));
    json certificates = json::array();
    for (const CertificateStatus& certificate : status.certificates)
        certificates.push_back(to_object(certificate));
    json packets_dropped = json::object();
    for (const auto& [reason, count] : status.packets_dropped)
        packets_dropped[reason] = count;
    json object{{"node", status.node},
                {"version", status.version},
                {"uptime_s", status.uptime_s},
                {"generation", status.generation},
                {"generations_ending", status.generations_ending},
                {"workers", status.workers},
                {"io", status.io},
                {"connections", status.connections},
                {"worker_connections", status.worker_connections},
                {"refused_connections", status.refused_connections},
                {"accept_errors", status.accept_errors},
                {"incidents", status.incidents},
                {"draining", status.draining},
                {"packets_dropped", std::move(packets_dropped)},
                {"certificates", std::move(certificates)},
                {"services", std::move(services)}};
    if (status.layer4)
        object["layer4"] = {{"flows", status.layer4->flows},
                            {"fast_flows", status.layer4->fast_flows},
                            {"no_fast_path", status.layer4->no_fast_path},
                            {"threads", status.layer4->threads}};
    if (status.pair) object["pair"] = json::parse(pair_to_json(*status.pair));
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::expected<Status, std::string> status_from_json(std::string_view text) {
    try {
        return status_from(json::parse(text));
    } catch (const std::exception& wrong) {  // of json, or of since_from
        return std::unexpected(std::string("not a status that a Poise gives: ") + wrong.what());
    }
}

}  // namespace poise::app
