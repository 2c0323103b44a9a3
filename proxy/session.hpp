// The ways in which a client's connection is served.
#pragma once

#include "proxy/client.hpp"
#include "proxy/http1_session.hpp"
#include "proxy/tcp_session.hpp"
#include "proxy/tls_session.hpp"

#include <memory>

namespace poise::proxy {

/// Entry coroutine: a connection that starts with a PROXY header, then goes on as the service's
/// protocol. Without a good header it is closed.
Task<void> run_proxied_session(std::unique_ptr<Client> owned);

}  // namespace poise::proxy
