// The origin's command line.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace poise::origin {

struct Options {
    std::string host = "127.0.0.1";  // a numeric IPv4 or IPv6 address
    std::string port = "9000";
    std::string name = "origin";  // sent as X-Origin
    bool help = false;
};

/// Reads the arguments; the error is a sentence for the user.
std::expected<Options, std::string> parse_options(int argument_count, char** arguments);

/// What --help prints: options, routes and an example.
std::string help_text();

}  // namespace poise::origin
