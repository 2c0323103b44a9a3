// The command line of the open loop.
#pragma once

#include <expected>
#include <netinet/in.h>
#include <string>

namespace poise::open_loop {

struct Options {
    bool help = true;
    sockaddr_in to{};
    std::string path = "/1k";
    unsigned rate = 1'000;  // requests a second, on average
    unsigned connections = 64;
    unsigned seconds = 10;
    unsigned slice_ms = 0;  // tells the longest latency of each such slice; 0: none
};

/// Reads the arguments; the error is a sentence for the user.
std::expected<Options, std::string> parse_options(int argument_count, char** arguments);

std::string help_text();

}  // namespace poise::open_loop
