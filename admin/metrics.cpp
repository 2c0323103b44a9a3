#include "admin/metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace poise::admin {

using nlohmann::json;

namespace {

// A label's value: backslash, quote and line feed escaped.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

// Collects lines a metric, for all lines of one must stand together.
class Page {
public:
    void add(std::string_view name, std::string_view type, std::string_view help,
             std::string_view labels, double value) {
        Metric& metric = metrics_[find(name, type, help)];
        if (++lines_ > metric_lines_max) {
            ++dropped_;
            return;
        }
        fmt::format_to(std::back_inserter(metric.lines), "{}{}{}{} {}\n", name,
                       labels.empty() ? "" : "{", labels, labels.empty() ? "" : "}", value);
    }
    void counter(std::string_view name, std::string_view help, std::string_view labels,
                 const json& value) {
        if (value.is_number()) add(name, "counter", help, labels, value.get<double>());
    }
    // `within` is a list of pairs: microseconds, and how many took no longer. `us` in the status
    // is seconds here.
    void histogram(std::string_view name, std::string_view help, const std::string& labels,
                   const json& latency) {
        if (!latency.is_object()) return;
        std::vector<std::string> lines;
        for (const json& bound : latency.value("within_us", json::array()))
            lines.push_back(fmt::format(R"({}_bucket{{{},le="{}"}} {})", name, labels,
                                        bound.at(0).get<double>() / 1e6,
                                        bound.at(1).get<std::uint64_t>()));
        const auto count = latency.value("count", std::uint64_t{0});
        lines.push_back(fmt::format(R"({}_bucket{{{},le="+Inf"}} {})", name, labels, count));
        lines.push_back(
            fmt::format("{}_sum{{{}}} {}", name, labels, latency.value("sum_us", 0.0) / 1e6));
        lines.push_back(fmt::format("{}_count{{{}}} {}", name, labels, count));
        Metric& metric = metrics_[find(name, "histogram", help)];
        if (lines_ + lines.size() > metric_lines_max) {  // a part of one would be wrong
            dropped_ += lines.size();
            return;
        }
        lines_ += lines.size();
        for (const std::string& line : lines)
            metric.lines += line + '\n';
    }
    void gauge(std::string_view name, std::string_view help, std::string_view labels,
               const json& value) {
        if (value.is_number()) add(name, "gauge", help, labels, value.get<double>());
        if (value.is_boolean()) add(name, "gauge", help, labels, value.get<bool>() ? 1 : 0);
    }
    std::string text() {
        add("poise_metrics_dropped", "gauge", "Lines left out of this page.", "",
            static_cast<double>(dropped_));
        std::string all;
        for (const Metric& metric : metrics_) {
            fmt::format_to(std::back_inserter(all), "# HELP {} {}\n# TYPE {} {}\n{}", metric.name,
                           metric.help, metric.name, metric.type, metric.lines);
        }
        return all;
    }

private:
    struct Metric {
        std::string name, type, help, lines;
    };

    std::size_t find(std::string_view name, std::string_view type, std::string_view help) {
        const auto known = index_.find(name);
        if (known != index_.end()) return known->second;
        metrics_.push_back({std::string(name), std::string(type), std::string(help), ""});
        index_.emplace(name, metrics_.size() - 1);
        return metrics_.size() - 1;
    }

    std::vector<Metric> metrics_;
    std::map<std::string, std::size_t, std::less<>> index_;
    std::size_t lines_ = 0;
    std::size_t dropped_ = 0;
};

json at(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? json() : *found;
}

void add_server(Page& page, const std::string& service, const json& server) {
    const std::string labels = fmt::format(R"(service="{}",server="{}")", escaped(service),
                                           escaped(server.value("name", "")));
    const std::string state = server.value("state", "");
    const bool serves = state == "up" || state == "backup" || state == "fallback";
    page.gauge("poise_server_up", "1 while the server may be used.", labels, serves);
    page.gauge("poise_server_state", "1, with the state as a label.",
               fmt::format(R"({},state="{}")", labels, escaped(state)), 1);
    page.gauge("poise_server_weight", "Weight in force.", labels, at(server, "weight"));
    page.gauge("poise_server_connections", "Connections open now.", labels,
               at(server, "connections"));
    page.counter("poise_server_successes_total", "Answers or connections that went well.", labels,
                 at(server, "successes"));
    page.counter("poise_server_failures_total", "Those that did not.", labels,
                 at(server, "failures"));
    const json response = at(server, "response_us");
    if (response.is_number())
        page.add("poise_server_response_seconds", "gauge", "Moving average of the response time.",
                 labels, response.get<double>() / 1e6);
}

void add_service(Page& page, const json& service) {
    const std::string name = service.value("name", "");
    const std::string labels = fmt::format(R"(service="{}")", escaped(name));
    constexpr std::array<std::array<const char*, 3>, 9> counters{{
        {"connections", "poise_service_connections_total", "Client connections accepted."},
        {"requests", "poise_service_requests_total", "Requests."},
        {"bytes_in", "poise_service_received_bytes_total", "Bytes from clients."},
        {"bytes_out", "poise_service_sent_bytes_total", "Bytes to clients."},
        {"datagrams_in", "poise_service_received_datagrams_total", "Datagrams from clients."},
        {"datagrams_out", "poise_service_sent_datagrams_total", "Datagrams to clients."},
        {"retries", "poise_service_retries_total", "Attempts repeated on another server."},
        {"queued", "poise_service_queued_total", "Requests that waited for a server."},
        {"packets", "poise_service_packets_total", "Packets forwarded at layer 4."},
    }};
    for (const auto& [key, metric, help] : counters)
        page.counter(metric, help, labels, at(service, key));
    page.gauge("poise_service_sessions", "Sessions open now.", labels, at(service, "sessions"));
    page.gauge("poise_service_persistence_entries", "Clients remembered.", labels,
               at(service, "persistence_entries"));
    const json latency = at(service, "latency");
    if (latency.is_object()) {
        page.histogram("poise_service_response_head_seconds",
                       "From the whole head of a request to that of its response.", labels,
                       at(latency, "head"));
        page.histogram("poise_service_response_seconds",
                       "From the whole head of a request to the last byte of its answer.", labels,
                       at(latency, "total"));
    }
    for (const auto& [name_of, count] : at(service, "responses").items())
        page.counter("poise_service_responses_total",
                     "Answers by class; none: no answer was given.",
                     fmt::format(R"({},class="{}")", labels, escaped(name_of)), count);
    for (const auto& [reason, count] : at(service, "failures").items())
        page.counter("poise_service_failures_total", "Refused and failed requests by reason.",
                     fmt::format(R"({},reason="{}")", labels, escaped(reason)), count);
    for (const json& server : at(service, "servers"))
        add_server(page, name, server);
}

// Whatever number the pair tells of: poise_pair_heartbeats_lost, poise_pair_replication_lag_ms and
// the like.
void add_pair(Page& page, const json& pair, const std::string& prefix = "poise_pair_") {
    for (const auto& [name, value] : pair.items()) {
        if (name == "replication" && value.is_object()) add_pair(page, value, prefix + name + "_");
        std::string metric = prefix;
        for (const char c : name) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
            metric += plain ? c : '_';
        }
        page.gauge(metric, "Of the pair, as in the status.", "", value);
    }
}

void add_alerts(Page& page, const json& alerts) {
    if (!alerts.is_object()) return;
    page.gauge("poise_alerts_open", "Problems that are there now.", "", at(alerts, "open").size());
    for (const json& place : at(alerts, "places")) {
        const std::string labels = fmt::format(R"(place="{}")", escaped(place.value("name", "")));
        page.counter("poise_alerts_sent_total", "Messages that were taken.", labels,
                     at(place, "sent"));
        page.counter("poise_alerts_failed_tries_total", "Tries that failed.", labels,
                     at(place, "failed_tries"));
        page.counter("poise_alerts_dropped_total", "Messages that were given up.", labels,
                     at(place, "dropped"));
    }
}

}  // namespace

std::string metrics_text(const std::string& text, std::span<const CertificateFacts> certificates,
                         const std::string& alerts) {
    const json status = json::parse(text, nullptr, false);
    Page page;
    page.gauge("poise_up", "1 while the control thread answers.", "", status.is_object());
    for (const CertificateFacts& one : certificates) {
        if (!one.error.empty()) continue;
        page.gauge("poise_certificate_not_after_seconds", "When it expires, seconds since 1970.",
                   fmt::format(R"(file="{}")", escaped(one.file)), one.not_after);
    }
    add_alerts(page, json::parse(alerts, nullptr, false));
    if (!status.is_object()) return page.text();
    page.gauge("poise_info", "1, with the build and the node as labels.",
               fmt::format(R"(version="{}",node="{}")", escaped(status.value("version", "")),
                           escaped(status.value("node", ""))),
               1);
    page.gauge("poise_uptime_seconds", "Since the start.", "", at(status, "uptime_s"));
    page.gauge("poise_generation", "The configuration in force.", "", at(status, "generation"));
    page.gauge("poise_generations_ending", "Older ones that still have sessions.", "",
               at(status, "generations_ending"));
    page.gauge("poise_workers", "Worker threads.", "", at(status, "workers"));
    page.gauge("poise_connections", "Client connections open now.", "", at(status, "connections"));
    for (std::size_t i = 0; const json& one : at(status, "worker_connections"))
        page.gauge("poise_worker_connections", "Of them, by worker.",
                   fmt::format(R"(worker="{}")", i++), one);
    page.gauge("poise_draining", "1 while no new clients are taken.", "", at(status, "draining"));
    page.counter("poise_refused_connections_total", "Over the limit of client connections.", "",
                 at(status, "refused_connections"));
    page.counter("poise_accept_errors_total", "No descriptor or memory was free.", "",
                 at(status, "accept_errors"));
    page.counter("poise_incidents_total", "Refusals and failures.", "", at(status, "incidents"));
    if (const json layer4 = at(status, "layer4"); layer4.is_object()) {
        page.gauge("poise_flows", "Of layer 4, now.", "", at(layer4, "flows"));
        page.gauge("poise_fast_flows", "Of them, by the fast path.", "", at(layer4, "fast_flows"));
    }
    for (const auto& [reason, count] : at(status, "packets_dropped").items())
        page.counter("poise_packets_dropped_total", "Of layer 4 and of no service, by reason.",
                     fmt::format(R"(reason="{}")", escaped(reason)), count);
    for (const json& service : at(status, "services"))
        add_service(page, service);
    if (const json pair = at(status, "pair"); pair.is_object()) add_pair(page, pair);
    return page.text();
}

}  // namespace poise::admin
