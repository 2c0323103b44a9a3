// Takes request targets and Host values apart (RFC 9112 section 3.2, RFC 3986 section 3.2).
#include "proxy/head_target.hpp"

#include "base/address.hpp"
#include "proxy/head.hpp"
#include "proxy/head_bytes.hpp"

namespace poise::proxy {

namespace {

/// unreserved and sub-delims of RFC 3986, without the comma.
constexpr ByteSet name_bytes = make_byte_set("-._~!$&'()*+;=");

constexpr bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Where the host ends and its port, with the colon, starts. Good authorities have colons in
/// brackets or before the port only.
std::size_t find_port(std::string_view authority) {
    const auto from = authority.starts_with('[') ? authority.find(']') : 0;
    const auto colon = authority.find(':', from == std::string_view::npos ? 0 : from);
    return colon == std::string_view::npos ? authority.size() : colon;
}

std::optional<std::size_t> find_port_fault(std::string_view authority, std::size_t colon) {
    unsigned port = 0;
    std::size_t at = colon + 1;
    for (; at < authority.size(); ++at) {
        if (!is_digit(authority[at])) return at;
        port = port * 10 + static_cast<unsigned>(authority[at] - '0');
        if (port > 65'535) return at;
    }
    if (port == 0) return at - 1;
    return std::nullopt;
}

std::optional<std::size_t> find_name_fault(std::string_view name) {
    if (name.empty()) return 0;
    for (std::size_t at = 0; at < name.size(); ++at) {
        if (in(name_bytes, name[at])) continue;
        const bool encoded =
            name[at] == '%' && at + 2 < name.size() && is_hex(name[at + 1]) && is_hex(name[at + 2]);
        if (!encoded) return at;
        at += 2;
    }
    return std::nullopt;
}

std::optional<std::size_t> find_ipv6_fault(std::string_view bracketed) {
    const auto end = bracketed.find(']');
    if (end == std::string_view::npos) return bracketed.size() - 1;
    const auto ip = bracketed.substr(1, end - 1);
    if (ip.find(':') == std::string_view::npos || !parse_ip(ip)) return 1;
    if (end + 1 != bracketed.size()) return end + 1;
    return std::nullopt;
}

unsigned port_of(std::string_view authority, unsigned without) {
    const auto colon = find_port(authority);
    if (colon == authority.size()) return without;
    unsigned port = 0;
    for (const char c : authority.substr(colon + 1))
        port = port * 10 + static_cast<unsigned>(c - '0');
    return port;
}

/// `rest` is what follows "http://" in `target`.
Refusal read_absolute(std::string_view method, std::string_view target, std::string_view rest,
                      Target& out) {
    const auto rest_at = target.size() - rest.size();
    const auto path_at = std::min(rest.find_first_of("/?"), rest.size());
    out.authority = rest.substr(0, path_at);
    // User names in a URL are refused here as well: they only serve to mislead.
    if (const auto fault = find_authority_fault(out.authority)) {
        return {Reason::bad_target, rest_at + *fault};
    }
    if (path_at == rest.size()) {
        out.path = method == "OPTIONS" ? "*" : "/";  // RFC 9112 section 3.2.4
        return {};
    }
    // "http://host?query" would need a "/" that the bytes do not hold; nobody sends it.
    if (rest[path_at] == '?') return {Reason::bad_target, rest_at + path_at};
    out.path = rest.substr(path_at);
    return {};
}

}  // namespace

std::optional<std::size_t> find_authority_fault(std::string_view authority) {
    if (authority.empty()) return 0;
    const auto colon = find_port(authority);
    const auto host = authority.substr(0, colon);
    const auto fault = host.starts_with('[') ? find_ipv6_fault(host) : find_name_fault(host);
    if (fault) return fault;
    if (colon == authority.size()) return std::nullopt;
    return find_port_fault(authority, colon);
}

bool same_authority(std::string_view authority, std::string_view host, bool is_https) {
    const unsigned without = is_https ? 443 : 80;
    return port_of(authority, without) == port_of(host, without) &&
           same_word(authority.substr(0, find_port(authority)), host.substr(0, find_port(host)));
}

Refusal read_target(std::string_view method, std::string_view target, Target& out) {
    constexpr std::string_view http = "http://";
    constexpr std::string_view https = "https://";
    if (target.starts_with('/')) {
        out.path = target;
        return {};
    }
    if (target == "*" && method == "OPTIONS") {
        out.path = target;
        return {};
    }
    if (same_word(target.substr(0, http.size()), http)) {
        return read_absolute(method, target, target.substr(http.size()), out);
    }
    if (same_word(target.substr(0, https.size()), https)) {
        out.is_https = true;
        return read_absolute(method, target, target.substr(https.size()), out);
    }
    return {Reason::bad_target, 0};
}

}  // namespace poise::proxy
