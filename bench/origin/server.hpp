// The origin's event loop: one thread, one epoll set, one listener.
#pragma once

#include "bench/origin/options.hpp"

#include <string>

namespace poise::origin {

/// Serves until SIGTERM or SIGINT. Returns an empty string, or why it could not start.
std::string serve(const Options& options);

}  // namespace poise::origin
