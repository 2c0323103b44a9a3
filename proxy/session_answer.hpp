// What a client gets when there is no response of a server to give.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"
#include "proxy/exchange.hpp"

#include <cstdint>

namespace poise::proxy {

/// How a connection goes on after an exchange.
enum class After : std::uint8_t {
    keep_alive,
    close,   // nothing is left to read
    linger,  // the client may still be sending: read that away first
    cut,     // the response has no proper end: the client must see that
    reject,  // the request was malformed as HTTP/2: its stream is reset, and says so
    http2,   // it was no request but the start of HTTP/2
};

/// Answers with the failure's status when nothing of a response has been sent, else cuts the
/// connection. Reports the exchange. Child coroutine.
Task<After> answer_failure(Client& client, Exchange& exchange);

}  // namespace poise::proxy
