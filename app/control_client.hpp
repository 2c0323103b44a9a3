// Asks a running Poise over its control socket.
#pragma once

#include "app/control_protocol.hpp"

#include <expected>
#include <string>

namespace poise::app {

/// Connects, asks, waits for the answer (some seconds at most). `control` is as given on the
/// command line; empty is the default place. The error is a sentence with the cure; an answer
/// that says no is its error too, its diagnostics before it, a line each.
std::expected<std::string, std::string> ask(const std::string& control,
                                            const ControlRequest& request);

}  // namespace poise::app
