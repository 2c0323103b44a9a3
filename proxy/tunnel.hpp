// Bytes both ways between a client and a server, without looking at them: TCP services, and
// HTTP connections after an upgrade.
#pragma once

#include "base/task.hpp"
#include "proxy/client.hpp"
#include "proxy/incidents.hpp"

#include <chrono>
#include <cstdint>

namespace poise::proxy {

struct TunnelResult {
    std::uint64_t from_client = 0;
    std::uint64_t from_server = 0;
    Reason reason = Reason::none;  // none: both sides have ended
    int error = 0;
};

/// Relays until both directions have ended, one has failed, or no byte has moved for `idle`.
/// The end of one direction is passed on as a half-close. `from_server` holds bytes that the
/// server has sent already; `chosen` being halted ends it with Reason::server_halted, the end of
/// `service` with Reason::draining. What the client has sent is in client.in. Child coroutine.
Task<TunnelResult> run_tunnel(Client& client, const WorkerService& service,
                              const pool::RealServer& chosen, Stream& server, Buffer from_server,
                              std::chrono::milliseconds idle);

}  // namespace poise::proxy
