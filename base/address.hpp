// An IP address and a port, and a range of addresses, as plain values. Includes no Asio header:
// every folder uses it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poise {

struct Address {
    std::array<std::uint8_t, 16> ip{};  // IPv4 as ::ffff:a.b.c.d
    std::uint16_t port = 0;             // host byte order

    auto operator<=>(const Address&) const = default;

    bool is_v4() const;        // ::ffff:0:0/96
    bool is_any() const;       // 0.0.0.0 or ::
    bool is_loopback() const;  // 127.0.0.0/8 or ::1
};

/// "10.0.0.1" or "2001:db8::1": the canonical text without brackets (RFC 5952).
std::string ip_to_string(const Address& address);

/// "10.0.0.1:80" or "[2001:db8::1]:80".
std::string to_string(const Address& address);

/// Reads an IPv4 or IPv6 address without port, brackets or zone. Strict: four decimal octets
/// without leading zeros, or RFC 4291 text. Nothing else is accepted.
std::optional<Address> parse_ip(std::string_view text);

/// Reads "10.0.0.1:80" or "[2001:db8::1]:80"; the port is 1 to 65535.
std::optional<Address> parse_address(std::string_view text);

/// A range of addresses: "10.0.0.0/8", "2001:db8::/32", or a single address.
struct Prefix {
    Address base;    // port is 0; bits after `bits` are 0
    int bits = 128;  // counted over the 16 bytes: an IPv4 /8 is 104

    bool contains(const Address& address) const;
    auto operator<=>(const Prefix&) const = default;
};

std::optional<Prefix> parse_prefix(std::string_view text);
std::string to_string(const Prefix& prefix);

/// The address with all bits after `bits` cleared (counted as in Prefix) and port 0.
Address masked(const Address& address, int bits);

}  // namespace poise
