// What serve, proxy and demo share: a log made from the node's settings and a runtime that runs.
#pragma once

#include "app/runtime.hpp"
#include "app/terminal.hpp"
#include "base/log.hpp"
#include "config/load.hpp"

#include <expected>
#include <memory>
#include <string>

namespace poise::app {

std::expected<std::unique_ptr<Log>, std::string> open_log(const config::Node& node);

/// Every diagnostic, on the standard error, and how many; returns exit_failure.
int print_diagnostics(const config::Diagnostics& diagnostics, Terminal& terminal);

/// Starts and serves until a signal ends it, with the administration that the node's settings ask
/// for. Returns the exit code.
int serve_until_stopped(RuntimeOptions options, Terminal& terminal);

}  // namespace poise::app
