#include "base/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cassert>
#include <charconv>
#include <cstring>

namespace poise {

namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename Number>
std::optional<Number> parse_decimal(std::string_view text, Number highest) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > highest)
        return std::nullopt;
    return static_cast<Number>(value);
}

std::optional<Address> parse_v4(std::string_view text) {
    Address address;
    std::copy(v4_prefix.begin(), v4_prefix.end(), address.ip.begin());
    for (int i = 0; i < 4; ++i) {
        const auto dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const auto octet = parse_decimal<std::uint8_t>(text.substr(0, dot), 255);
        if (!octet) return std::nullopt;
        address.ip[12 + static_cast<std::size_t>(i)] = *octet;
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return address;
}

}  // namespace

bool Address::is_v4() const {
    return std::equal(v4_prefix.begin(), v4_prefix.end(), ip.begin());
}

bool Address::is_any() const {
    const auto from = is_v4() ? ip.begin() + 12 : ip.begin();
    return std::all_of(from, ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Address::is_loopback() const {
    if (is_v4()) return ip[12] == 127;
    return ip.back() == 1 && std::all_of(ip.begin(), ip.end() - 1, [](auto b) { return b == 0; });
}

std::string ip_to_string(const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.is_v4()) {  // each request does this: inet_ntop's printf cost 4 % of it
        char* end = text.data();
        for (std::size_t i = 12; i < 16; ++i) {
            if (i > 12) *end++ = '.';
            end = std::to_chars(end, text.data() + text.size(), address.ip[i]).ptr;
        }
        return {text.data(), end};
    }
    const char* written = inet_ntop(AF_INET6, address.ip.data(), text.data(), text.size());
    assert(written != nullptr);
    return written;
}

std::string to_string(const Address& address) {
    const auto ip = ip_to_string(address);
    return address.is_v4() ? fmt::format("{}:{}", ip, address.port)
                           : fmt::format("[{}]:{}", ip, address.port);
}

std::optional<Address> parse_ip(std::string_view text) {
    if (text.find(':') == std::string_view::npos) return parse_v4(text);
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::memcpy(copy.data(), text.data(), text.size());
    Address address;
    if (inet_pton(AF_INET6, copy.data(), address.ip.data()) != 1) return std::nullopt;
    return address;
}

std::optional<Address> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
    auto address = parse_ip(host);
    const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1), 65'535);
    if (!address || !port || *port == 0) return std::nullopt;
    address->port = *port;
    return address;
}

bool Prefix::contains(const Address& address) const {
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (std::memcmp(base.ip.data(), address.ip.data(), whole) != 0) return false;
    if (bits % 8 == 0) return true;
    const auto shift = 8 - bits % 8;
    return (base.ip[whole] >> shift) == (address.ip[whole] >> shift);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_ip(text.substr(0, slash));
    if (!address) return std::nullopt;
    const int unused = address->is_v4() && text.find(':') == std::string_view::npos ? 96 : 0;
    int bits = 128;
    if (slash != std::string_view::npos) {
        const auto given = parse_decimal<std::uint8_t>(text.substr(slash + 1),
                                                       static_cast<std::uint8_t>(128 - unused));
        if (!given) return std::nullopt;
        bits = *given + unused;
    }
    return Prefix{masked(*address, bits), bits};
}

std::string to_string(const Prefix& prefix) {
    const bool v4 = prefix.base.is_v4() && prefix.bits >= 96;
    return fmt::format("{}/{}", ip_to_string(prefix.base), v4 ? prefix.bits - 96 : prefix.bits);
}

Address masked(const Address& address, int bits) {
    assert(bits >= 0);
    assert(bits <= 128);
    Address result;
    const auto whole = static_cast<std::size_t>(bits / 8);
    std::copy_n(address.ip.begin(), whole, result.ip.begin());
    if (bits % 8 != 0)
        result.ip[whole] = static_cast<std::uint8_t>(address.ip[whole] & (0xff << (8 - bits % 8)));
    return result;
}

}  // namespace poise
