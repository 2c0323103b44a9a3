#include "app/serving.hpp"

#include "app/admin_door.hpp"

#include <fmt/format.h>

#include <ostream>
#include <utility>

namespace poise::app {

namespace {

Severity severity_of(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug:
            return Severity::debug;
        case config::LogLevel::info:
            return Severity::info;
        case config::LogLevel::warn:
            return Severity::warn;
        case config::LogLevel::error:
            break;
    }
    return Severity::error;
}

// The one-time link is for the eyes of whoever has started it, and not for a log.
void tell_where(const admin::Admin& administration, Log& log, Terminal& terminal) {
    const std::string url = administration.url();
    if (url.empty()) return;
    log.info("administration: " + url);
    const std::string first = administration.first_url();
    if (first == url || !terminal.out_is_terminal) return;
    terminal.err << "poise: there are no users yet; this link signs you in, once: " << first
                 << '\n';
}

}  // namespace

std::expected<std::unique_ptr<Log>, std::string> open_log(const config::Node& node) {
    auto opened = Log::open({.least = severity_of(node.log_level),
                             .json = node.log_format == config::LogFormat::json,
                             .path = node.log_file});
    if (opened) return std::move(*opened);
    return std::unexpected(
        fmt::format("cannot write the log to '{}': {}", node.log_file, opened.error().message()));
}

int print_diagnostics(const config::Diagnostics& diagnostics, Terminal& terminal) {
    for (const auto& diagnostic : diagnostics)
        terminal.err << config::to_string(diagnostic) << '\n';
    return exit_failure;
}

int serve_until_stopped(RuntimeOptions options, Terminal& terminal) {
    auto log = open_log(options.node);
    if (!log) return terminal.fail(log.error());
    const bool told = options.node.alerts.smtp || options.node.alerts.webhook;
    const bool wanted = told || options.node.admin.http || options.node.admin.https;
    const auto settings = admin_options(options.node, options.config_path, options.node_path);
    std::unique_ptr<AdminDoor> door;
    options.on_event = [&door](const pool::ServerEvent& event) {
        if (door) door->tell(event);
    };
    options.on_reload = [&door](const ReloadOutcome& outcome) {
        if (door) door->tell(outcome);
    };
    Runtime runtime(std::move(options), **log);
    if (auto started = runtime.start(); !started) return terminal.fail(started.error());
    if (wanted) {
        door = std::make_unique<AdminDoor>(settings, runtime, **log);
        if (auto started = door->start(); !started) return terminal.fail(started.error());
        tell_where(door->admin(), **log, terminal);
    }
    runtime.run([&door] {
        if (door) door->stop();
    });
    return exit_good;
}

}  // namespace poise::app
