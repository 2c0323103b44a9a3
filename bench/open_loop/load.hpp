// The load: requests at their moments, over kept connections.
#pragma once

#include "bench/open_loop/options.hpp"

#include <string>

namespace poise::open_loop {

/// Runs for options.seconds, waits a while for the last answers, prints the result. Returns what
/// went wrong.
std::string run_load(const Options& options);

}  // namespace poise::open_loop
