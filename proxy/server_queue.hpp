// Waiting for a server that is below its max_connections: bounded in number and time, first come
// first served on each worker.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"
#include "proxy/upstream.hpp"

#include <chrono>

namespace poise::proxy {

/// Takes a server for `choice`, waiting at most `limit` when all are full. Reason::none: taken;
/// else no_server, queue_full, queue_timeout, client_closed or draining. Child coroutine.
Task<Reason> wait_for_server(Client& client, WorkerService& service, Choice& choice,
                             std::chrono::milliseconds limit);

}  // namespace poise::proxy
