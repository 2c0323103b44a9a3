#include "app/top_text.hpp"

#include "app/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <vector>

namespace poise::app {

namespace {

constexpr std::string_view plain = "\x1b[0m", bold = "\x1b[1m", red = "\x1b[31m",
                           yellow = "\x1b[33m";
constexpr std::size_t name_width_min = 12, name_width_max = 32;

using Rate = std::optional<double>;

struct Row {
    const ServiceStatus* service = nullptr;
    const ServiceStatus* before = nullptr;  // null: it was not there
    Rate rate, failed, in, out;
    std::size_t up = 0;
};

template <typename Things>
auto* named(const Things& things, const std::string& name) {
    const auto found = std::ranges::find_if(things, [&](const auto& t) { return t.name == name; });
    return found == things.end() ? nullptr : &*found;
}

Rate rate_of(std::uint64_t before, std::uint64_t now, double seconds) {
    if (now < before || seconds <= 0) return std::nullopt;
    return static_cast<double>(now - before) / seconds;
}

bool is_http(const ServiceStatus& service) {
    return service.protocol == "http";
}

std::uint64_t work_of(const ServiceStatus& service) {
    return is_http(service) ? service.requests : service.connections;
}

std::uint64_t failed_of(const ServiceStatus& service) {
    std::uint64_t sum = 0;
    for (const auto& [reason, count] : service.failures)
        sum += count;
    return sum;
}

bool serves(const ServerStatus& server) {
    return server.state == "up" || server.state == "backup" || server.state == "fallback";
}

Row row_of(const ServiceStatus& service, const Status& before, double seconds) {
    Row row{.service = &service, .before = named(before.services, service.name)};
    row.up = static_cast<std::size_t>(std::ranges::count_if(service.servers, serves));
    if (row.before == nullptr) return row;
    row.rate = rate_of(work_of(*row.before), work_of(service), seconds);
    row.failed = rate_of(failed_of(*row.before), failed_of(service), seconds);
    row.in = rate_of(row.before->bytes_in, service.bytes_in, seconds);
    row.out = rate_of(row.before->bytes_out, service.bytes_out, seconds);
    return row;
}

bool comes_first(const Row& one, const Row& other, TopOrder order) {
    if (order == TopOrder::rate && one.rate != other.rate) return one.rate > other.rate;
    if (order == TopOrder::failed && one.failed != other.failed) return one.failed > other.failed;
    if (order == TopOrder::p99 && one.service->head_time.p99_us != other.service->head_time.p99_us)
        return one.service->head_time.p99_us > other.service->head_time.p99_us;
    return one.service->name < other.service->name;
}

// "0.3" below ten, else whole or with a unit.
std::string rate_text(const Rate& rate) {
    if (!rate) return "-";
    if (*rate < 10 && *rate > 0) return fmt::format("{:.1f}", *rate);
    return count_text(static_cast<std::uint64_t>(std::llround(*rate)));
}

std::string time_text(std::uint64_t us) {
    if (us == 0) return "-";
    if (us < 1'000'000) return fmt::format("{:.1f}ms", static_cast<double>(us) / 1e3);
    return fmt::format("{:.1f}s", static_cast<double>(us) / 1e6);
}

std::string limited(std::string line, std::string_view colour, const TopStyle& style) {
    if (style.columns != 0) line = clipped(line, style.columns);
    if (style.colour && !colour.empty()) line = fmt::format("{}{}{}", colour, line, plain);
    return line + '\n';
}

std::string service_line(const Row& row, std::size_t width, const TopStyle& style) {
    const ServiceStatus& service = *row.service;
    const std::size_t all = service.servers.size();
    std::string_view colour;
    if (row.up < all) colour = row.up == 0 ? red : yellow;
    return limited(
        fmt::format("{:<{}}{:>9}{:>9}{:>8}{:>8}{:>8}{:>9}{:>9}{:>9}",
                    clipped(printable(service.name), width), width,
                    fmt::format("{}/{}", row.up, all), rate_text(row.rate), rate_text(row.failed),
                    count_text(service.sessions), rate_text(row.in), rate_text(row.out),
                    time_text(service.head_time.p50_us), time_text(service.head_time.p99_us)),
        colour, style);
}

std::string server_line(const ServerStatus& server, const ServerStatus* before, double seconds,
                        std::size_t width, const TopStyle& style) {
    Rate rate, failed;
    if (before != nullptr) {
        rate = rate_of(before->successes, server.successes, seconds);
        failed = rate_of(before->failures, server.failures, seconds);
    }
    std::string line = fmt::format(
        "  {:<{}}{:>9}{:>9}{:>8}{:>8}", clipped(printable(server.name), width - 2), width - 2,
        server.state, rate_text(rate), rate_text(failed), count_text(server.connections));
    if (!server.reason.empty()) line += "  " + printable(server.reason);
    std::string_view colour;
    if (!serves(server)) colour = server.state == "down" ? red : yellow;
    return limited(std::move(line), colour, style);
}

std::string head_lines(const Status& before, const Status& now, double seconds,
                       const TopStyle& style) {
    const Rate incidents = rate_of(before.incidents, now.incidents, seconds);
    std::string text = limited(
        fmt::format("{}  Poise {}, up {}; generation {}; {} workers; {} open; {} refused or failed "
                    "a second{}",
                    now.node, now.version,
                    age_text(std::chrono::seconds{static_cast<std::int64_t>(now.uptime_s)}),
                    now.generation, now.workers, now.connections, rate_text(incidents),
                    now.draining ? "; draining" : ""),
        bold, style);
    if (!now.pair) return text;
    return text +
           limited(fmt::format("pair: this node is {}; the other is {}", word(now.pair->state),
                               now.pair->peer_alive ? word(now.pair->peer_state)
                                                    : std::string_view("not heard")),
                   now.pair->peer_alive ? "" : yellow, style);
}

std::size_t name_width(const Status& status) {
    std::size_t width = name_width_min;
    for (const ServiceStatus& service : status.services) {
        width = std::max(width, service.name.size() + 1);
        for (const ServerStatus& server : service.servers)
            width = std::max(width, server.name.size() + 3);
    }
    return std::min(width, name_width_max);
}

}  // namespace

std::string top_text(const Status& before, const Status& now, std::chrono::duration<double> elapsed,
                     const TopStyle& style) {
    const double seconds = elapsed.count();
    std::vector<Row> rows;
    for (const ServiceStatus& service : now.services)
        rows.push_back(row_of(service, before, seconds));
    std::ranges::sort(rows,
                      [&](const Row& a, const Row& b) { return comes_first(a, b, style.order); });
    const std::size_t width = name_width(now);
    std::string text = head_lines(before, now, seconds, style);
    text += limited(
        fmt::format("{:<{}}{:>9}{:>9}{:>8}{:>8}{:>8}{:>9}{:>9}{:>9}", "service", width, "servers",
                    "per s", "failed", "open", "in B/s", "out B/s", "p50", "p99"),
        "", style);
    for (const Row& row : rows) {
        text += service_line(row, width, style);
        if (!style.servers) continue;
        for (const ServerStatus& server : row.service->servers) {
            const ServerStatus* const earlier =
                row.before == nullptr ? nullptr : named(row.before->servers, server.name);
            text += server_line(server, earlier, seconds, width, style);
        }
    }
    return text;
}

}  // namespace poise::app
