// The status as a table for people.
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
    if (state == "backup") return "\x1b[36m";
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

// The column of names is as wide as the longest one, within reason.
std::size_t name_width(const ServiceStatus& service) {
    constexpr std::size_t least = 12;
    constexpr std::size_t most = 32;
    std::size_t width = least;
    for (const ServerStatus& server : service.servers)
        width = std::max(width, printable(server.name).size());
    return std::min(width, most);
}

std::string server_line(const ServerStatus& server, std::size_t width, const StatusStyle& style) {
    const std::string state =
        painted(fmt::format("{:<10}", server.state), colour_of(server.state), style.colour);
    std::string line = fmt::format(
        "  {:<{}}  {:<21}  {} {:>6}  {:>11}  {:>6}  {:>6}  {:>8}  {:>7}", printable(server.name),
        width, server.address.empty() ? "-" : server.address, state, server.weight,
        connections_text(server), count_text(server.successes), count_text(server.failures),
        response_text(server.response_us), since_text(server, style));
    if (!server.reason.empty()) line += "  " + printable(server.reason);
    return line + '\n';
}

std::string totals_line(const ServiceStatus& service) {
    const auto& classes = service.responses;
    std::string line = fmt::format(
        "  {} open, {} requests; 2xx {}, 3xx {}, 4xx {}, 5xx {}; {}B in, {}B out; {} retries",
        service.sessions, count_text(service.requests), count_text(classes[2]),
        count_text(classes[3]), count_text(classes[4]), count_text(classes[5]),
        count_text(service.bytes_in), count_text(service.bytes_out), count_text(service.retries));
    if (service.queued != 0) line += fmt::format("; {} queued", count_text(service.queued));
    if (service.persistence_entries != 0)
        line += fmt::format("; {} clients kept", count_text(service.persistence_entries));
    return line + '\n';
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
        fmt::format("{}  {} on {}, {}\n", painted(service.name, bold, style.colour),
                    service.protocol, listen.empty() ? "no address" : listen, service.scheduler);
    text += totals_line(service);
    if (!service.failures.empty()) {
        text += "  failures:";
        for (const auto& [reason, count] : service.failures)
            fmt::format_to(std::back_inserter(text), " {} {}", reason, count_text(count));
        text += '\n';
    }
    const std::size_t width = name_width(service);
    const std::string titles = fmt::format(
        "  {:<{}}  {:<21}  {:<10} {:>6}  {:>11}  {:>6}  {:>6}  {:>8}  {:>7}", "server", width,
        "address", "state", "weight", "connections", "good", "failed", "response", "since");
    text += painted(titles, dim, style.colour) + '\n';
    for (const ServerStatus& server : service.servers)
        text += server_line(server, width, style);
    return text;
}

std::string status_text(const Status& status, const StatusStyle& style) {
    std::string text = fmt::format(
        "node {}, Poise {}, up {}; generation {}{}; {} worker{}, {} open connection{}{}\n",
        status.node, status.version,
        age_text(seconds{static_cast<std::int64_t>(std::max(status.uptime_s, 0.0))}),
        status.generation,
        status.generations_ending == 0
            ? ""
            : fmt::format(" ({} older still ending)", status.generations_ending),
        status.workers, status.workers == 1 ? "" : "s", status.connections,
        status.connections == 1 ? "" : "s", status.draining ? "; draining" : "");
    if (status.incidents != 0) {
        text += fmt::format("{} request{} refused or failed: `poise why` tells\n",
                            count_text(status.incidents), status.incidents == 1 ? "" : "s");
    }
    for (const ServiceStatus& service : status.services)
        text += '\n' + service_text(service, style);
    return text;
}

}  // namespace poise::app
