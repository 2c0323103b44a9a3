// A client's HTTP/1 connection: one request after the other, until either side has had enough.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"

namespace poise::proxy {

/// Entry coroutine. `worker` outlives its engine's run.
Task<void> run_http1_session(Worker* worker, Accepted accepted);

}  // namespace poise::proxy
