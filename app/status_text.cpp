// The status as a table for people.
#include "app/pair_text.hpp"
#include "app/status.hpp"
#include "app/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace poise::app {

namespace {

using std::chrono::seconds;

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view plain = "\x1b[0m";

std::string_view colour_of(const std::string& state) {
    if (state == "up") return "\x1b[32m";
    if (state == "backup" || state == "fallback") return "\x1b[36m";
    return state == "drain" ? "\x1b[33m" : "\x1b[31m";
}

std::string painted(std::string_view text, std::string_view colour, bool on) {
    return on ? fmt::format("{}{}{}", colour, text, plain) : std::string(text);
}

std::string since_text(const ServerStatus& server, const StatusStyle& style) {
    if (server.since == 0) return "-";
    const auto age =
        std::chrono::floor<seconds>(style.now.time_since_epoch()) - seconds{server.since};
    return age_text(std::max(age, seconds{0}));
}

std::string response_text(std::uint32_t microseconds) {
    if (microseconds == 0) return "-";
    if (microseconds < 10'000) return fmt::format("{:.1f}ms", microseconds / 1e3);
    return microseconds < 10'000'000 ? fmt::format("{}ms", microseconds / 1'000)
                                     : fmt::format("{}s", microseconds / 1'000'000);
}

std::string connections_text(const ServerStatus& server) {
    if (server.connections_max == 0) return fmt::format("{}", server.connections);
    return fmt::format("{}/{}", server.connections, server.connections_max);
}

// A column of the table of servers. The width of one to the right has the gap before it in it.
struct Column {
    std::string_view title;
    std::size_t width;
    bool to_right;
    int rank;  // the highest is left out first when there is no room; 0: never
    std::string (*text)(const ServerStatus& server, const StatusStyle& style);
};

const std::array columns{
    Column{"address", 21, false, 4,
           [](const ServerStatus& server, const StatusStyle&) {
               return server.address.empty() ? std::string("-") : server.address;
           }},
    Column{"state", 10, false, 0,
           [](const ServerStatus& server, const StatusStyle&) { return server.state; }},
    Column{"weight", 7, true, 3,
           [](const ServerStatus& server, const StatusStyle&) {
               return fmt::format("{}", server.weight);
           }},
    Column{"connections", 13, true, 1,
           [](const ServerStatus& server, const StatusStyle&) { return connections_text(server); }},
    Column{"good", 8, true, 0,
           [](const ServerStatus& server, const StatusStyle&) {
               return count_text(server.successes);
           }},
    Column{
        "failed", 8, true, 0,
        [](const ServerStatus& server, const StatusStyle&) { return count_text(server.failures); }},
    Column{"response", 10, true, 2,
           [](const ServerStatus& server, const StatusStyle&) {
               return response_text(server.response_us);
           }},
    Column{"since", 9, true, 0, since_text},
};

// What of the table fits.
struct Layout {
    std::size_t name_width = 0;
    int rank_max = 0;  // columns of a higher rank are left out
};

// The column of names is as wide as the longest one, within reason.
std::size_t name_width(const ServiceStatus& service, std::size_t least) {
    constexpr std::size_t most = 32;
    std::size_t width = least;
    for (const ServerStatus& server : service.servers)
        width = std::max(width, printable(server.name).size());
    return std::min(width, most);
}

Layout layout_of(const ServiceStatus& service, const StatusStyle& style) {
    constexpr int rank_most = 4;
    constexpr std::size_t reason_width = 18;  // kept free, so that nothing jumps when one comes
    if (style.columns == 0) return {name_width(service, 12), rank_most};
    Layout layout{name_width(service, 6), rank_most};
    for (; layout.rank_max > 0; --layout.rank_max) {
        std::size_t width = 2 + layout.name_width + reason_width;
        for (const Column& column : columns)
            if (column.rank <= layout.rank_max) width += column.width + (column.to_right ? 0 : 2);
        if (width <= style.columns) break;
    }
    return layout;
}

void add_cell(std::string& line, const Column& column, const std::string& text) {
    if (column.to_right)
        fmt::format_to(std::back_inserter(line), "{:>{}}", text, column.width);
    else
        fmt::format_to(std::back_inserter(line), "  {:<{}}", text, column.width);
}

std::string title_line(const Layout& layout, const StatusStyle& style) {
    std::string line = fmt::format("  {:<{}}", "server", layout.name_width);
    for (const Column& column : columns)
        if (column.rank <= layout.rank_max) add_cell(line, column, std::string(column.title));
    return painted(clipped(line, style.columns), dim, style.colour) + '\n';
}

std::string server_line(const ServerStatus& server, const Layout& layout,
                        const StatusStyle& style) {
    std::string line = fmt::format("  {:<{}}", clipped(printable(server.name), layout.name_width),
                                   layout.name_width);
    for (const Column& column : columns) {
        if (column.rank > layout.rank_max) continue;
        std::string cell;
        add_cell(cell, column, column.text(server, style));
        line +=
            column.title == "state" ? painted(cell, colour_of(server.state), style.colour) : cell;
    }
    if (!server.reason.empty()) line += "  " + printable(server.reason);
    return clipped(line, style.columns) + '\n';
}

std::string counts_text(const ServiceStatus& service) {
    if (service.mode == "dr" || service.mode == "nat") {
        return fmt::format("  {} flows, {} begun; packets {} in, {} out", service.sessions,
                           count_text(service.connections), count_text(service.datagrams_in),
                           count_text(service.datagrams_out));
    }
    if (service.protocol == "udp") {
        return fmt::format("  {} open, {} sessions ended; datagrams {} in, {} out",
                           service.sessions, count_text(service.requests),
                           count_text(service.datagrams_in), count_text(service.datagrams_out));
    }
    const auto& classes = service.responses;
    return fmt::format("  {} open, {} requests; 2xx {}, 3xx {}, 4xx {}, 5xx {}", service.sessions,
                       count_text(service.requests), count_text(classes[2]), count_text(classes[3]),
                       count_text(classes[4]), count_text(classes[5]));
}

std::string totals_line(const ServiceStatus& service, const StatusStyle& style) {
    const std::string counts = counts_text(service);
    const std::string bytes = fmt::format("; {}B in, {}B out", count_text(service.bytes_in),
                                          count_text(service.bytes_out));
    std::string rest = fmt::format("; {} retries", count_text(service.retries));
    if (service.queued != 0) rest += fmt::format("; {} queued", count_text(service.queued));
    if (service.persistence_entries != 0)
        rest += fmt::format("; {} clients kept", count_text(service.persistence_entries));
    const bool fits =
        style.columns == 0 || counts.size() + bytes.size() + rest.size() <= style.columns;
    return clipped(counts + (fits ? bytes : "") + rest, style.columns) + '\n';
}

std::string latency_text(std::uint64_t us) {
    constexpr double ms = 1'000, s = 1'000'000;
    const auto time = static_cast<double>(us);
    if (time >= s) return fmt::format("{:.1f}s", time / s);
    return fmt::format("{:.1f}ms", time / ms);
}

std::string latency_line(const ServiceStatus& service, const StatusStyle& style) {
    const LatencyStatus& head = service.head_time;
    const LatencyStatus& total = service.total_time;
    return clipped(fmt::format("  last minute: response head p50 {}, p99 {}; whole answer p50 {}, "
                               "p99 {}",
                               latency_text(head.p50_us), latency_text(head.p99_us),
                               latency_text(total.p50_us), latency_text(total.p99_us)),
                   style.columns) +
           '\n';
}

constexpr std::size_t certificates_shown = 8;  // the others expire later
constexpr std::size_t names_shown = 3;

std::string names_text(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), names_shown); ++i)
        text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > names_shown) text += fmt::format(" and {} more", names.size() - names_shown);
    return text.empty() ? "no name" : text;
}

// "certificate site.crt for site.test, expires in 29d 23h, OCSP good"
std::string certificate_line(const CertificateStatus& certificate, const StatusStyle& style) {
    const auto now = std::chrono::floor<seconds>(style.now.time_since_epoch()).count();
    const auto left = certificate.not_after - now;
    std::string line =
        fmt::format("certificate {} for {}, {}", certificate.file, names_text(certificate.names),
                    left > 0 ? fmt::format("expires in {}", age_text(seconds{left}))
                             : fmt::format("expired {} ago", age_text(seconds{-left})));
    if (certificate.ocsp != "off") {
        line += ", OCSP " + certificate.ocsp;
        if (certificate.ocsp != "good" && certificate.stapled_until > now)
            line += fmt::format(", stapled for {} yet",
                                age_text(seconds{certificate.stapled_until - now}));
    }
    return clipped(line, style.columns) + '\n';
}

std::string layer4_text(const Layer4Status& layer4) {
    const std::string fast =
        layer4.no_fast_path.empty()
            ? fmt::format("{} of them by the fast path", count_text(layer4.fast_flows))
            : fmt::format("no fast path: {}", layer4.no_fast_path);
    return fmt::format("layer 4: {} flow{}, {}; {} thread{}\n", count_text(layer4.flows),
                       layer4.flows == 1 ? "" : "s", fast, layer4.threads,
                       layer4.threads == 1 ? "" : "s");
}

std::string certificates_text(const Status& status, const StatusStyle& style) {
    const auto& all = status.certificates;
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), certificates_shown); ++i)
        text += certificate_line(all[i], style);
    if (all.size() > certificates_shown)
        text += fmt::format("and {} certificates that expire later: `poise status --json` tells\n",
                            all.size() - certificates_shown);
    return text;
}

std::string failures_line(const ServiceStatus& service, const StatusStyle& style) {
    const bool packets = service.mode == "dr" || service.mode == "nat";
    std::string line = packets ? "  dropped:" : "  failures:";
    for (const auto& [reason, count] : service.failures)
        fmt::format_to(std::back_inserter(line), " {} {}", reason, count_text(count));
    return clipped(line, style.columns) + '\n';
}

}  // namespace

std::string age_text(std::chrono::seconds age) {
    const auto total = age.count();
    constexpr std::int64_t minute = 60;
    constexpr std::int64_t hour = 60 * minute;
    constexpr std::int64_t day = 24 * hour;
    if (total < minute) return fmt::format("{}s", total);
    if (total < hour) return fmt::format("{}m {}s", total / minute, total % minute);
    if (total < day) return fmt::format("{}h {}m", total / hour, total % hour / minute);
    return fmt::format("{}d {}h", total / day, total % day / hour);
}

std::string count_text(std::uint64_t count) {
    constexpr std::uint64_t kilo = 1'000;
    if (count < kilo) return fmt::format("{}", count);
    constexpr std::array<char, 6> units{'k', 'M', 'G', 'T', 'P', 'E'};
    std::size_t unit = 0;
    std::uint64_t divisor = kilo;
    while (count / divisor >= kilo && unit + 1 < units.size()) {
        divisor *= kilo;
        ++unit;
    }
    const std::uint64_t tenths = count / (divisor / 10);  // cut, never rounded up to the next unit
    if (tenths >= kilo) return fmt::format("{}{}", tenths / 10, units[unit]);
    return fmt::format("{}.{}{}", tenths / 10, tenths % 10, units[unit]);
}

std::string service_text(const ServiceStatus& service, const StatusStyle& style) {
    std::string listen;
    for (const std::string& address : service.listen)
        listen += (listen.empty() ? "" : ", ") + address;
    std::string text =
        clipped(fmt::format(
                    "{}  {}{} on {}, {}", painted(service.name, bold, style.colour),
                    service.mode == "dr" || service.mode == "nat" ? service.mode + ", " : "",
                    service.protocol, listen.empty() ? "no address" : listen, service.scheduler),
                style.columns) +
        '\n';
    text += totals_line(service, style);
    if (service.head_time.minute_count != 0) text += latency_line(service, style);
    if (!service.failures.empty()) text += failures_line(service, style);
    const Layout layout = layout_of(service, style);
    text += title_line(layout, style);
    for (const ServerStatus& server : service.servers)
        text += server_line(server, layout, style);
    return text;
}

std::string status_text(const Status& status, const StatusStyle& style) {
    std::string text = fmt::format(
        "node {}, Poise {}, up {}; generation {}{}; {} worker{}{}, {} open connection{}{}\n",
        status.node, status.version,
        age_text(seconds{static_cast<std::int64_t>(std::max(status.uptime_s, 0.0))}),
        status.generation,
        status.generations_ending == 0
            ? ""
            : fmt::format(" ({} older still ending)", status.generations_ending),
        status.workers, status.workers == 1 ? "" : "s",
        status.io.empty() ? "" : fmt::format(" ({})", status.io), status.connections,
        status.connections == 1 ? "" : "s", status.draining ? "; draining" : "");
    if (status.refused_connections != 0) {
        text += fmt::format("{} client connection{} refused: as many as may be were open\n",
                            count_text(status.refused_connections),
                            status.refused_connections == 1 ? "" : "s");
    }
    if (status.accept_errors != 0) {
        text += fmt::format("{} time{} no file descriptor or memory was free for a client\n",
                            count_text(status.accept_errors), status.accept_errors == 1 ? "" : "s");
    }
    if (status.incidents != 0) {
        text += fmt::format("{} request{} refused or failed: `poise why` tells\n",
                            count_text(status.incidents), status.incidents == 1 ? "" : "s");
    }
    if (status.pair) text += pair_text(*status.pair, style);
    if (status.layer4) text += layer4_text(*status.layer4);
    if (!status.packets_dropped.empty()) {
        text += "packets dropped:";
        for (const auto& [reason, count] : status.packets_dropped)
            text += fmt::format(" {} {}", reason, count_text(count));
        text += '\n';
    }
    text += certificates_text(status, style);
    for (const ServiceStatus& service : status.services)
        text += '\n' + service_text(service, style);
    return text;
}

}  // namespace poise::app
