// A client's HTTP/1 connection: one request after the other, until either side has had enough.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"

#include <memory>

namespace poise::proxy {

/// Entry coroutine.
Task<void> run_http1_session(std::unique_ptr<Client> owned);

}  // namespace poise::proxy
