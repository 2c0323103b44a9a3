// Gets the connection to a real server that an exchange runs over, and gives it back.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"
#include "proxy/exchange.hpp"

namespace poise::proxy {

/// The quick way, which most requests take: a server is free and a connection to it idles.
/// False: go on with connect_upstream.
bool take_ready_upstream(Client& client, Exchange& exchange);

/// Waits for a server below its limit and for a connection to it; tries others when one fails.
/// False: exchange.failure() says why. Child coroutine.
Task<bool> connect_upstream(Client& client, Exchange& exchange);

/// After Step::retry. False: there were enough attempts.
bool prepare_retry(Client& client, Exchange& exchange);

/// Keeps the connection for the next request: of this client when it is pinned, else of any.
void keep_upstream(Client& client, Exchange& exchange);

void note_server_success(Exchange& exchange);
void note_server_failure(Exchange& exchange);

}  // namespace poise::proxy
