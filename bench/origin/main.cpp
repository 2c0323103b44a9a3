// The origin: a small HTTP/1.1 server that stands behind the proxies under measurement and test.
#include "bench/origin/options.hpp"
#include "bench/origin/server.hpp"

#include <cstdio>

int main(int argument_count, char** arguments) {
    const auto options = poise::origin::parse_options(argument_count, arguments);
    if (!options) {
        std::fprintf(stderr, "origin: %s; see --help\n", options.error().c_str());
        return 2;
    }
    if (options->help) {
        std::fputs(poise::origin::help_text().c_str(), stdout);
        return 0;
    }
    const std::string error = poise::origin::serve(*options);
    if (error.empty()) return 0;
    std::fprintf(stderr, "origin: %s\n", error.c_str());
    return 1;
}
