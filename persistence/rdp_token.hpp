// Reads the first packet of an RDP client: which server it belongs to, or who it is.
#pragma once

#include "base/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace poise::persistence {

/// The longest X.224 connection request there can be: its length is one byte, of which 255 is
/// reserved (ITU-T X.224 section 13.2.1), behind the head of four bytes that TPKT puts before it
/// (RFC 1006 section 6).
inline constexpr std::size_t rdp_request_bytes_max = 4 + 1 + 254;

/// What read_rdp_request found.
struct RdpRequest {
    enum class State : std::uint8_t { needs_more, found, not_rdp };

    State state = State::needs_more;
    /// The server that a connection broker has sent the client back to: "Cookie: msts=".
    std::optional<Address> server;
    /// What the client knows its user as, mostly the first nine bytes of DOMAIN\user:
    /// "Cookie: mstshash=". Empty: not given. A view into the bytes.
    std::string_view user;
};

/// Looks at the start of a connection's bytes, which must be a whole X.224 connection request
/// (MS-RDPBCGR section 2.2.1.1); call again with more when it needs more. Never needs more than
/// rdp_request_bytes_max. A cookie that is neither of the two is passed over: it names nobody.
RdpRequest read_rdp_request(std::string_view bytes);

}  // namespace poise::persistence
