// The load: clients that send a datagram for each answer.
#pragma once

#include "bench/datagrams/options.hpp"

#include <string>

namespace poise::datagrams {

/// Runs for options.seconds and prints the result. Returns what went wrong.
std::string run_load(const Options& options);

}  // namespace poise::datagrams
