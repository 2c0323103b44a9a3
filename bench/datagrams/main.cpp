// Datagrams for measurements: the echo server behind the proxies, the load in front of
// them, and the flood that nobody asked for.
#include "bench/datagrams/echo.hpp"
#include "bench/datagrams/flood.hpp"
#include "bench/datagrams/load.hpp"
#include "bench/datagrams/options.hpp"

#include <cstdio>
#include <string>

namespace {

std::string run(const poise::datagrams::Options& options) {
    using Role = poise::datagrams::Options::Role;
    if (options.role == Role::echo) return poise::datagrams::run_echo(options);
    if (options.role == Role::flood) return poise::datagrams::run_flood(options);
    return poise::datagrams::run_load(options);
}

}  // namespace

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
    const std::string error = run(*options);
    if (error.empty()) return 0;
    std::fprintf(stderr, "datagrams: %s\n", error.c_str());
    return 1;
}
