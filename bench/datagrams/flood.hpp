// The flood: datagrams at a rate, whether or not anybody answers.
#pragma once

#include "bench/datagrams/options.hpp"

#include <string>

namespace poise::datagrams {

/// Runs for options.seconds and prints how many were sent. Returns what went wrong.
std::string run_flood(const Options& options);

}  // namespace poise::datagrams
