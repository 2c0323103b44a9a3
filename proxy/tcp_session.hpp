// One client connection of a TCP service, and the server's connection that serves it.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"

#include <memory>

namespace poise::proxy {

/// Entry coroutine.
Task<void> run_tcp_session(std::unique_ptr<Client> owned);

}  // namespace poise::proxy
