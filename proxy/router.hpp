// Chooses the rule that a request falls under: first match wins.
#pragma once

#include "base/address.hpp"
#include "base/hash.hpp"
#include "config/model.hpp"
#include "proxy/head.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace poise::proxy {

/// A rule made ready for comparing: hosts and methods normalised, paths too.
struct CompiledRule {
    std::size_t index = 0;  // in the configuration's order
    std::string use;        // the service whose pool takes the request
    std::optional<config::Timeouts> timeouts;
    config::Match match;  // of TCP: `sni` has become `host`, which it is compared like
};

/// Immutable; any thread. No allocation while matching, unless a path with something to
/// normalise is longer than 1 KiB.
///
/// How things are compared:
/// - host: without port, case and a trailing dot. "*.example.com" takes every name below
///   example.com, at any depth, not example.com itself; "*" takes every host that is not empty.
/// - path: without the query, exact, after normalising. path_prefix ends at a segment's end:
///   "/api" takes "/api", "/api/x" and "/api?x", not "/apix"; "/api/" takes "/api/x", not "/api".
///   With ignore_case letters of both cases are the same.
/// - normalising: percent-encoded unreserved characters (RFC 3986 section 2.3) are decoded, hex
///   digits of the others become upper case, then "." and ".." segments are removed (section
///   5.2.4), so that "/x/%2e%2e/api" is "/api". Nothing else changes: "//" stays, "%2F" is no
///   "/", a "%" without two hex digits stays. The request is forwarded as it came.
/// - method: exact, case included. header: name without case; the value exact, case included;
///   of several fields of the name one must match; an empty value asks that the field be there.
/// - source: the client's address (behind trusted proxies the one they vouch for).
class Router {
public:
    explicit Router(std::vector<config::Rule> rules);

    /// nullptr when no rule matches.
    const CompiledRule* match(const RequestHead& head, const Address& client) const;

    /// Of a TCP connection: `server_name` is the one in its ClientHello, or empty.
    const CompiledRule* match(std::string_view server_name, const Address& client) const;
    /// Whether the rule for a TCP connection of `client` hangs on its server name.
    bool needs_server_name(const Address& client) const;

    std::span<const CompiledRule> rules() const { return rules_; }

private:
    using Indices = std::vector<std::uint32_t>;  // ascending
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return hash64(text); }
    };
    using HostIndex = std::unordered_map<std::string, Indices, TextHash, std::equal_to<>>;
    class Candidates;

    std::vector<CompiledRule> rules_;
    HostIndex exact_hosts_;     // "www.example.com"
    HostIndex wildcard_hosts_;  // "example.com" stands for "*.example.com"
    Indices any_host_;          // rules without a host
    Indices some_host_;         // rules with the host "*"
};

/// Appends `path` (no query) to `out` in the normal form described above.
void append_normal_path(std::string& out, std::string_view path);

/// The host of an authority without port and trailing dot: "www.example.com", "[::1]". Case stays.
std::string_view host_of(std::string_view authority);

}  // namespace poise::proxy
