// A client's connection that starts with a TLS handshake, and TLS towards real servers.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"
#include "proxy/io.hpp"
#include "proxy/refusal.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace poise::proxy {

/// Entry coroutine: shakes hands, then goes on as the service's protocol.
Task<void> run_tls_session(std::unique_ptr<Client> owned);

}  // namespace poise::proxy
