// One request from its head to the end of its response, whatever version of HTTP it came in.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"
#include "proxy/exchange.hpp"
#include "proxy/session_answer.hpp"

namespace poise::proxy {

/// Routes the request whose head `exchange` holds, gets it answered and reports it. Child
/// coroutine.
Task<After> serve_request(Client& client, Exchange& exchange);

}  // namespace poise::proxy
