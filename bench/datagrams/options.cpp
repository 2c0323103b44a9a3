// The command line of the datagram program.
#include "bench/datagrams/options.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <optional>
#include <string_view>

namespace poise::datagrams {

namespace {

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
    if (word == "--listen" || word == "--to") return read_address(value, options.at);
    if (word == "--clients") return read_number(value, 1, 10'000, options.clients);
    if (word == "--window") return read_number(value, 1, 64, options.window);
    if (word == "--bytes") return read_number(value, 16, 65'507, options.bytes);
    if (word == "--seconds") return read_number(value, 1, 600, options.seconds);
    if (word == "--rate") return read_number(value, 1'000, 1'000'000, options.rate);
    if (word == "--file") options.file = value;
    return word == "--file";
}

std::optional<Options::Role> role_of(std::string_view word) {
    if (word == "echo") return Options::Role::echo;
    if (word == "load") return Options::Role::load;
    if (word == "flood") return Options::Role::flood;
    return std::nullopt;
}

}  // namespace

std::expected<Options, std::string> parse_options(int argument_count, char** arguments) {
    Options options;
    if (argument_count < 2) return options;
    const std::string_view word = arguments[1];
    if (word == "--help" || word == "-h") return options;
    const auto role = role_of(word);
    if (!role) return std::unexpected("'" + std::string(word) + "' is not echo, load or flood");
    options.role = *role;
    for (int i = 2; i < argument_count; ++i) {
        const std::string_view option = arguments[i];
        if (option == "--fresh") {
            options.fresh = true;
        } else if (i + 1 == argument_count || !read_option(option, arguments[i + 1], options)) {
            return std::unexpected("'" + std::string(option) +
                                   "' is unknown or lacks a good value");
        } else {
            ++i;
        }
    }
    if (options.at.sin_port == 0)
        return std::unexpected(std::string(word == "echo" ? "--listen" : "--to") + " is missing");
    if (options.role == Options::Role::flood && options.file.empty())
        return std::unexpected("--file is missing");
    if (options.fresh && options.window != 1)
        return std::unexpected("--fresh and --window do not go together");
    return options;
}

std::string help_text() {
    return R"(datagrams - an echo server and a load of UDP datagrams, for measurements

usage: datagrams echo --listen ADDRESS:PORT
       datagrams load --to ADDRESS:PORT [--clients 64] [--window 1] [--bytes 64] [--seconds 2]
                      [--fresh]
       datagrams flood --to ADDRESS:PORT --file FILE [--rate 100000] [--seconds 2]
  --clients  sockets, each with a source port of its own (1 to 10000)
  --window   datagrams that each client has out at once (1 to 64)
  --bytes    of each datagram (16 to 65507)
  --fresh    a new socket for each exchange, as resolvers have
  --file     what to send, again and again: hexadecimal digits, a line for each datagram
  --rate     datagrams a second (1000 to 1000000)

A client sends the next datagram when an answer has come, or after 200 ms without one, which
counts as lost. A flood waits for nobody. Prints one line: RESULT and a JSON object.
example: datagrams echo --listen 127.0.0.1:9100 & datagrams load --to 127.0.0.1:9100
)";
}

}  // namespace poise::datagrams
