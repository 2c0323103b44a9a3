// Datagrams for measurements: the echo server behind the proxies, and the load in front of them.
#include "bench/datagrams/echo.hpp"
#include "bench/datagrams/load.hpp"
#include "bench/datagrams/options.hpp"

#include <cstdio>

int main(int argument_count, char** arguments) {
    using poise::datagrams::Options;
    const auto options = poise::datagrams::parse_options(argument_count, arguments);
    if (!options) {
        std::fprintf(stderr, "datagrams: %s; see --help\n", options.error().c_str());
        return 2;
    }
    if (options->role == Options::Role::help) {
        std::fputs(poise::datagrams::help_text().c_str(), stdout);
        return 0;
    }
    const std::string error = options->role == Options::Role::echo
                                  ? poise::datagrams::run_echo(*options)
                                  : poise::datagrams::run_load(*options);
    if (error.empty()) return 0;
    std::fprintf(stderr, "datagrams: %s\n", error.c_str());
    return 1;
}
