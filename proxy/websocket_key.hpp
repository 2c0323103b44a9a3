// The handshake of WebSocket that HTTP/2 has not and HTTP/1 servers want (RFC 8441 section 5).
#pragma once

#include <string>
#include <string_view>

namespace poise::proxy {

/// The Sec-WebSocket-Key of the request with this id: the same for each call.
std::string websocket_key(std::string_view request_id);

/// The Sec-WebSocket-Accept with which a server shows that it has understood the key
/// (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace poise::proxy
