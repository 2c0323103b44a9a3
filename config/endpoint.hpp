// Addresses and names as the configuration writes them: "10.0.0.1:80", "[::1]:80", "web:80".
#pragma once

#include "base/address.hpp"
#include "config/units.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace poise::config {

/// A place to connect to. Without a port `port` is 0.
struct Endpoint {
    std::string host;  // canonical address text, or a DNS name as written
    std::uint16_t port = 0;
    std::optional<Address> address;  // when host is an address; with the port
};

/// Reads an address or a DNS name (its form only; nothing is resolved), with or without a port.
std::expected<Endpoint, Problem> parse_endpoint(std::string_view text);

/// "10.0.0.1:80", "[2001:db8::1]:80", "web:80"; without a port when it is 0.
std::string format_endpoint(const std::string& host, std::uint16_t port);

/// Reads where to listen: "10.0.0.1:80", "[::1]:80", or ":80", which is [::]:80 and takes IPv4
/// as well.
std::expected<Address, Problem> parse_listen(std::string_view text);

/// The same, also with a range of ports for layer 4: "10.0.0.1:5000-5100".
struct ListenPorts {
    Address address;         // with the first port
    std::uint16_t last = 0;  // 0: no range
};
std::expected<ListenPorts, Problem> parse_listen_ports(std::string_view text);

/// Reads "10.0.0.0/8", "2001:db8::/32" or a single address.
std::expected<Prefix, Problem> parse_range(std::string_view text);

/// Is `text` a host name (RFC 1123 labels; underscores, which containers use, are allowed)?
bool is_host_name(std::string_view text);

}  // namespace poise::config
