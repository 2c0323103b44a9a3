// What nghttp2 tells an HTTP/2 connection, and asks of it.
#pragma once

struct nghttp2_session;

namespace poise::proxy {

class Http2Connection;

/// A session over `connection`, which outlives it, with our settings on their way. Throws
/// std::bad_alloc.
nghttp2_session* make_http2_session(Http2Connection& connection);

}  // namespace poise::proxy
