#include "app/serving.hpp"

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
    Runtime runtime(std::move(options), **log);
    if (auto started = runtime.start(); !started) return terminal.fail(started.error());
    runtime.run();
    return exit_good;
}

}  // namespace poise::app
