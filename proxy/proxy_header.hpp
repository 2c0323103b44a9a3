// The PROXY protocol, versions 1 and 2: a proxy before us tells whose connection this is, and we
// tell the servers.
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace poise::proxy {

/// Limits from the protocol's text: the longest line of version 1, its CRLF included, and for
/// version 2 the smallest buffer that a receiver must be able to take.
inline constexpr std::size_t proxy_v1_bytes_max = 107;
inline constexpr std::size_t proxy_v2_bytes_max = 536;

/// What parse_proxy_header found.
struct ProxyHeader {
    enum class State : std::uint8_t { needs_more, done, error };

    State state = State::needs_more;
    bool local = false;        // done: no addresses given; the connection's own ones count
    std::uint8_t version = 0;  // done: 1 or 2
    std::size_t consumed = 0;  // done: the header's length
    Address source;            // done and not local
    Address destination;       // done and not local
    std::size_t offset = 0;    // error: of the offending byte
    std::string_view what;     // error: a sentence; static storage
};

/// Looks at the start of a connection's bytes; call again with more when it needs more. Never
/// needs more than proxy_v2_bytes_max. UNKNOWN, LOCAL and unix sockets count as local; the
/// addresses of UDP are taken as those of TCP. TLVs are checked for their lengths and skipped.
ProxyHeader parse_proxy_header(std::string_view bytes);

/// Appends a header; `version` is not off. When one address is IPv4 and the other IPv6, both are
/// written as IPv6 (IPv4 as ::ffff:a.b.c.d).
void append_proxy_header(std::string& out, config::ProxyProtocol version, const Address& source,
                         const Address& destination);

/// Appends a header that says "this is my own connection" (health checks).
void append_local_proxy_header(std::string& out, config::ProxyProtocol version);

}  // namespace poise::proxy
