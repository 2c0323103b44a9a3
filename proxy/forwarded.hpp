// Who the client is behind proxies that we trust, and the fields that tell the servers:
// X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and Forwarded (RFC 7239).
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"
#include "proxy/head.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace poise::proxy {

/// Whether one of the ranges holds `address`.
bool is_trusted(std::span<const Prefix> trusted, const Address& address);

/// One a client connection: keeps what depends on the connection alone. Small; `trusted` outlives
/// it. `peer` is the address of the connection (or of its PROXY header).
///
/// - append, trusted peer: the fields that came are kept and ours added: X-Forwarded-For and
///   Forwarded grow by the peer, -Proto and -Host stay when they are there. When there is an
///   X-Forwarded-For but no Forwarded, the new Forwarded has the same chain.
/// - append, other peer: what the client sent is dropped, ours are written.
/// - replace: what came is dropped; X-Forwarded-For is the one effective client; -Proto and
///   -Host are of this connection.
/// - off: everything passes untouched, nothing is written.
class Forwarder {
public:
    Forwarder(config::Forwarded mode, std::span<const Prefix> trusted, const Address& peer,
              bool tls);

    bool peer_trusted() const { return peer_trusted_; }

    /// The client's address: the peer's, or, when the peer is trusted, the rightmost address of
    /// X-Forwarded-For that is not trusted (the leftmost when all are). Text that is no address
    /// ends the walk at the address that vouched for it. The port is 0 when none was given.
    Address effective_client(const RequestHead& head) const;

    /// Whether append() writes this field, so that the client's own one must not be copied.
    bool writes(FieldId id) const;

    /// Appends the fields ("Name: value\r\n"...) for a request. Of a client with an IPv4 address
    /// it does not allocate when `out` has the capacity.
    void append(std::string& out, const RequestHead& head, const Address& effective_client) const;

private:
    std::string_view own_proto() const { return tls_ ? "https" : "http"; }
    bool keeps_received() const { return mode_ == config::Forwarded::append && peer_trusted_; }
    void append_converted(std::string& out, const RequestHead& head) const;

    std::span<const Prefix> trusted_;
    Address peer_;
    config::Forwarded mode_;
    bool peer_trusted_ = false;
    bool tls_;
};

/// Reads one element of X-Forwarded-For: an address, with or without port and brackets.
std::optional<Address> parse_forwarded_address(std::string_view text);

}  // namespace poise::proxy
