#include "config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::config {

namespace {

struct HostAndPort {
    std::string_view host;
    std::string_view port;  // empty: none given
    bool has_colon = false;
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_label_char(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

// "[v6]:port", "v6", "host:port", "host". More than one colon without brackets is an IPv6
// address without a port.
std::optional<HostAndPort> split(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        const auto rest = text.substr(end + 1);
        if (!rest.empty() && rest[0] != ':') return std::nullopt;
        return HostAndPort{text.substr(1, end - 1), rest.empty() ? rest : rest.substr(1),
                           !rest.empty()};
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || text.find(':') != colon)
        return HostAndPort{text, {}, false};
    return HostAndPort{text.substr(0, colon), text.substr(colon + 1), true};
}

std::optional<Problem> zone_problem(std::string_view text) {
    const auto percent = text.find('%');
    if (percent == std::string_view::npos) return std::nullopt;
    return Problem{
        fmt::format("must be an address without a zone, found {}", quote(text)),
        "an interface name means nothing on another node: use a global or unique local address"};
}

std::expected<std::uint16_t, Problem> parse_port(std::string_view port, std::string_view text) {
    const auto number = parse_integer(port);
    if (number && *number >= 1 && *number <= 65'535) return static_cast<std::uint16_t>(*number);
    auto message = number ? fmt::format("must have a port from 1 to 65535, found {}", quote(text))
                          : fmt::format("must end in a port number, found {}", quote(text));
    return std::unexpected(Problem{std::move(message), {}});
}

// Digits and dots alone can only be meant as IPv4, never as a name.
bool looks_like_ipv4(std::string_view host) {
    return !host.empty() &&
           std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

Problem host_problem(std::string_view host, std::string_view text) {
    if (text.contains("://"))
        return {fmt::format("must be an address and a port, found the URL {}", quote(text)),
                "leave out the scheme and the path"};
    if (looks_like_ipv4(host))
        return {fmt::format("is not an IPv4 address: {}", quote(text)),
                "an IPv4 address has four numbers from 0 to 255, such as 10.0.0.1"};
    if (host.contains(':'))
        return {fmt::format("is not an IPv6 address: {}", quote(text)),
                "write an IPv6 address and port as \"[2001:db8::1]:80\""};
    return {fmt::format("must be an address or a host name and a port, found {}", quote(text)),
            "such as 10.0.0.1:80, \"[2001:db8::1]:80\" or web1.example.com:80"};
}

}  // namespace

bool is_host_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > 253) return false;
    while (true) {
        const auto dot = text.find('.');
        const auto label = text.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        if (!std::all_of(label.begin(), label.end(), is_label_char)) return false;
        if (dot == std::string_view::npos)
            return !std::all_of(label.begin(), label.end(), is_digit);
        text.remove_prefix(dot + 1);
    }
}

std::expected<Endpoint, Problem> parse_endpoint(std::string_view text) {
    if (auto zone = zone_problem(text)) return std::unexpected(std::move(*zone));
    const auto parts = split(text);
    if (!parts) return std::unexpected(host_problem(text, text));
    Endpoint endpoint;
    endpoint.address = parse_ip(parts->host);
    if (!endpoint.address && (text.starts_with('[') || !is_host_name(parts->host)))
        return std::unexpected(host_problem(parts->host, text));
    if (parts->has_colon) {
        const auto port = parse_port(parts->port, text);
        if (!port) return std::unexpected(port.error());
        endpoint.port = *port;
    }
    if (endpoint.address) {
        endpoint.address->port = endpoint.port;
        endpoint.host = ip_to_string(*endpoint.address);
    } else {
        endpoint.host = parts->host;
    }
    return endpoint;
}

std::string format_endpoint(const std::string& host, std::uint16_t port) {
    if (port == 0) return host;
    return host.contains(':') ? fmt::format("[{}]:{}", host, port)
                              : fmt::format("{}:{}", host, port);
}

std::expected<Address, Problem> parse_listen(std::string_view text) {
    if (auto zone = zone_problem(text)) return std::unexpected(std::move(*zone));
    const auto parts = split(text);
    if (!parts) return std::unexpected(host_problem(text, text));
    if (!parts->has_colon) {
        const bool is_port = parse_integer(text).has_value();
        return std::unexpected(
            Problem{fmt::format("must be an address and a port, found {}", quote(text)),
                    is_port ? fmt::format("write \":{}\"", text) : "such as \":80\""});
    }
    std::optional<Address> address = parts->host.empty() ? Address{} : parse_ip(parts->host);
    if (!address && is_host_name(parts->host)) {
        return std::unexpected(Problem{
            fmt::format("must be an address of this machine, not a name, found {}", quote(text)),
            fmt::format("write 127.0.0.1:{0} for this machine alone, \":{0}\" for all",
                        parts->port)});
    }
    if (!address) return std::unexpected(host_problem(parts->host, text));
    const auto port = parse_port(parts->port, text);
    if (!port) return std::unexpected(port.error());
    address->port = *port;
    return *address;
}

std::expected<ListenPorts, Problem> parse_listen_ports(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto dash = text.rfind('-');
    const bool range = colon != std::string_view::npos && dash != std::string_view::npos &&
                       dash > colon + 1 && text.find(']', colon) == std::string_view::npos;
    const auto address = parse_listen(range ? text.substr(0, dash) : text);
    if (!address) return std::unexpected(address.error());
    ListenPorts ports{*address, 0};
    if (!range) return ports;
    const auto last = parse_port(text.substr(dash + 1), text);
    if (!last) return std::unexpected(last.error());
    if (*last < address->port) {
        return std::unexpected(Problem{
            fmt::format("must be a range from the lower port to the higher, found {}", quote(text)),
            {}});
    }
    if (*last > address->port) ports.last = *last;
    return ports;
}

std::expected<Prefix, Problem> parse_range(std::string_view text) {
    if (auto zone = zone_problem(text)) return std::unexpected(std::move(*zone));
    if (const auto prefix = parse_prefix(text)) return *prefix;
    return std::unexpected(
        Problem{fmt::format("must be an address or a range of addresses, found {}", quote(text)),
                "such as 10.0.0.0/8 or \"2001:db8::/32\""});
}

}  // namespace poise::config
