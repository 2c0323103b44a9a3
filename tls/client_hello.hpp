// Reads what a TLS client says before anything is encrypted: the name of the server it wants, and
// the protocols it speaks. For routing without termination: nothing is decrypted or changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poise::tls {

/// As much of a connection's start as is looked at, record headers included: the largest record,
/// which post-quantum key shares and tickets stay well below.
inline constexpr std::size_t client_hello_bytes_max = 16'384;

/// What read_client_hello found.
struct ClientHello {
    enum class State : std::uint8_t {
        needs_more,
        found,      // the message is whole
        not_tls,    // the bytes are no TLS handshake
        malformed,  // they began as one and are not well formed (RFC 8446 sections 4.1.2 and 5.1)
        too_long,   // it is not whole within client_hello_bytes_max
    };

    State state = State::needs_more;
    std::string server_name;        // found: lower case, no trailing dot; empty: none was given
    std::vector<std::string> alpn;  // found: in the client's order; empty: none was given
};

/// Looks at the start of a connection's bytes; call again with more when it needs more. The
/// handshake message may lie in several records, cut anywhere. TLS 1.0 to 1.3; the ClientHello of
/// SSL 2 is not_tls. With Encrypted ClientHello the name is the outer, public one.
ClientHello read_client_hello(std::string_view bytes);

}  // namespace poise::tls
