// A client's HTTP/2 connection: many requests at once, each on a stream of its own.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"

#include <memory>

namespace poise::proxy {

/// Entry coroutine, or awaited in the place of run_http1_session: a connection whose client has
/// chosen HTTP/2, by its preface (of which client.in holds the start) or in the TLS handshake.
Task<void> run_http2_session(std::unique_ptr<Client> owned);

}  // namespace poise::proxy
