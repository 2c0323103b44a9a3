// Requests at a rate, for measurements of latency.
#include "bench/open_loop/load.hpp"
#include "bench/open_loop/options.hpp"

#include <cstdio>
#include <string>

int main(int argument_count, char** arguments) {
    const auto options = poise::open_loop::parse_options(argument_count, arguments);
    if (!options) {
        std::fprintf(stderr, "open_loop: %s; see --help\n", options.error().c_str());
        return 2;
    }
    if (options->help) {
        std::fputs(poise::open_loop::help_text().c_str(), stdout);
        return 0;
    }
    const std::string error = poise::open_loop::run_load(*options);
    if (error.empty()) return 0;
    std::fprintf(stderr, "open_loop: %s\n", error.c_str());
    return 1;
}
