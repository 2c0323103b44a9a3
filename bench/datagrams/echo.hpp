// The echo server behind the proxies under measurement.
#pragma once

#include "bench/datagrams/options.hpp"

#include <string>

namespace poise::datagrams {

/// Sends every datagram back until the program is ended. Returns what went wrong.
std::string run_echo(const Options& options);

}  // namespace poise::datagrams
