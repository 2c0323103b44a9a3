// One client connection of a TCP service, and the server's connection that serves it.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"

namespace poise::proxy {

/// Entry coroutine. `worker` outlives its engine's run.
Task<void> run_tcp_session(Worker* worker, Accepted accepted);

}  // namespace poise::proxy
