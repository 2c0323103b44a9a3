// A new connection to a real server: TCP, then the PROXY header and TLS when it is to have them.
#pragma once

#include "base/stream.hpp"
#include "base/task.hpp"
#include "pool/real_server.hpp"
#include "proxy/client.hpp"
#include "proxy/refusal.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace poise::proxy {

struct ServerConnection {
    std::unique_ptr<Stream> stream;  // null: failed, and the rest says why
    Reason reason = Reason::none;
    int error = 0;     // errno, when the kernel said one
    std::string text;  // what else is known, for people
};

/// Connects to `server` of `service` for `client`. `limit` is for each of the steps. A child
/// coroutine, awaited at once.
Task<ServerConnection> connect_to_server(Client& client, const WorkerService& service,
                                         const pool::RealServer& server,
                                         std::chrono::milliseconds limit);

/// What the server's report says of it; a static text.
const char* connect_failure_text(Reason reason);

}  // namespace poise::proxy
