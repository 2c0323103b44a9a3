// The command line of the datagram program.
#pragma once

#include <cstdint>
#include <expected>
#include <netinet/in.h>
#include <string>

namespace poise::datagrams {

struct Options {
    enum class Role : std::uint8_t { help, echo, load, flood };

    Role role = Role::help;
    sockaddr_in at{};       // echo: where to listen; load, flood: whom to send to
    unsigned clients = 64;  // sockets, each with a port of its own
    unsigned window = 1;    // datagrams that a client has out at once
    unsigned bytes = 64;    // of each datagram, 16 or more
    unsigned seconds = 2;
    std::string file;         // flood: the datagrams, a line of hexadecimal digits each
    unsigned rate = 100'000;  // flood: datagrams a second
    bool fresh = false;       // a new socket for each exchange, as resolvers have
};

/// Reads the arguments; the error is a sentence for the user.
std::expected<Options, std::string> parse_options(int argument_count, char** arguments);

std::string help_text();

}  // namespace poise::datagrams
