// The command line of the open loop.
#include "bench/open_loop/options.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <string_view>

namespace poise::open_loop {

namespace {

constexpr unsigned long requests_max = 20'000'000;  // each is kept, for the percentiles: 4 bytes

bool read_number(std::string_view text, unsigned least, unsigned most, unsigned& value) {
    const auto end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stopped == end && value >= least && value <= most;
}

bool read_address(std::string_view text, sockaddr_in& address) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    unsigned port = 0;
    if (!read_number(text.substr(colon + 1), 1, 65'535, port)) return false;
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return ::inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address.sin_addr) == 1;
}

bool read_option(std::string_view word, std::string_view value, Options& options) {
    if (word == "--to") return read_address(value, options.to);
    if (word == "--rate") return read_number(value, 1, 1'000'000, options.rate);
    if (word == "--connections") return read_number(value, 1, 10'000, options.connections);
    if (word == "--seconds") return read_number(value, 1, 3'600, options.seconds);
    if (word == "--slice-ms") return read_number(value, 1, 10'000, options.slice_ms);
    if (word == "--path") options.path = value;
    return word == "--path" && value.starts_with('/');
}

}  // namespace

std::expected<Options, std::string> parse_options(int argument_count, char** arguments) {
    Options options;
    for (int i = 1; i < argument_count; i += 2) {
        const std::string_view word = arguments[i];
        if (word == "--help" || word == "-h") return Options{};
        if (i + 1 == argument_count || !read_option(word, arguments[i + 1], options))
            return std::unexpected("'" + std::string(word) + "' is unknown or lacks a good value");
        options.help = false;
    }
    if (options.help) return options;
    if (options.to.sin_port == 0) return std::unexpected("--to is missing");
    if (1UL * options.rate * options.seconds > requests_max)
        return std::unexpected("--rate times --seconds is above 20 million");
    return options;
}

std::string help_text() {
    return R"(open_loop - requests of HTTP/1.1 at a rate, whether or not answers keep up

usage: open_loop --to ADDRESS:PORT [--path /1k] [--rate 1000] [--connections 64] [--seconds 10]
                 [--slice-ms MS]
  --rate         requests a second on average; each comes by chance, as those of many
                 independent users do, but the same ones in each run
  --connections  kept open; a request that finds none free waits for one
  --slice-ms     also tells the longest latency of each slice of the run, and the longest "late"

The latency of a request counts from the moment at which it was due, so a stall of the server is
seen by all who would have come in it. "late" is how late this program itself was in sending, for
want of CPU. Prints one line: RESULT and a JSON object; times are in microseconds. Ctrl-C ends the
run earlier.
example: open_loop --to 127.0.0.1:8080 --rate 20000
)";
}

}  // namespace poise::open_loop
