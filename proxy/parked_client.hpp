// A client that has been quiet for a while between two requests: no coroutine waits for it.
#pragma once

#include "proxy/client.hpp"

#include <chrono>
#include <memory>

namespace poise::proxy {

/// Keeps `client`, whose buffer is empty, without a coroutine frame until it sends something:
/// then a new HTTP/1 session goes on with it. Closes it after `limit` (> 0), when it goes away,
/// or when the worker drains or stops. On the worker's thread.
void park(std::unique_ptr<Client> client, std::chrono::milliseconds limit);

}  // namespace poise::proxy
