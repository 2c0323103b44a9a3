// Writes heads from their parsed form: the only way a head leaves Poise.
#pragma once

#include "base/address.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/head.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace poise::proxy {

/// What a request's head needs beside its parsed form.
struct RequestHeadContext {
    const Forwarder& forwarder;
    Address client;  // the effective one
    std::string_view request_id;
    std::span<const std::string> hidden_cookies;  // names of ours: the server must not see them
    std::string_view default_host;                // for an HTTP/1.0 request without Host
    /// Lines about the client's TLS certificate; empty when none was asked for.
    std::string_view certificate_fields = {};
    bool extended_connect = false;  // goes out as CONNECT (RFC 8441), whatever it came as
};

/// Appends the head for the server, as HTTP/1.1. `out` should have capacity.
void append_request_head(std::string& out, const RequestHead& head,
                         const RequestHeadContext& context);

/// Appends the field lines of that head alone, for HTTP/2: without Host, framing and what belongs
/// to a connection.
void append_request_lines(std::string& out, const RequestHead& head,
                          const RequestHeadContext& context);

struct ResponseHeadContext {
    std::string_view request_id;
    std::string_view set_cookie;  // a whole line with CRLF, or empty
    std::string_view hsts;        // likewise; gives way to the server's own
    Framing framing_out = Framing::none;
    int client_minor = 1;
    bool keep_alive = true;         // the client connection goes on
    bool extended_connect = false;  // the client's upgrade came as CONNECT (RFC 8441)
    bool upgrade = false;           // 101: Connection and Upgrade pass
    /// 101 for what a server has answered over HTTP/2: the Sec-WebSocket-Accept; else empty.
    std::string_view websocket_accept = {};
    bool keep_length = false;  // HEAD, 304: Content-Length is of another body and passes
};

/// Appends the head for the client.
void append_response_head(std::string& out, const ResponseHead& head,
                          const ResponseHeadContext& context);

/// Appends the field lines of that head alone, for HTTP/2; `context.framing_out` may be length.
void append_response_lines(std::string& out, const ResponseHead& head,
                           const ResponseHeadContext& context);

}  // namespace poise::proxy
