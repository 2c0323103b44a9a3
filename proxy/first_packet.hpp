// What a client of a TCP service sends first, where that decides which servers it goes to.
#pragma once

#include "base/task.hpp"
#include "config/model.hpp"
#include "persistence/rdp_token.hpp"
#include "proxy/client.hpp"
#include "proxy/exchange.hpp"

#include <optional>

namespace poise::proxy {

/// Where a connection goes.
struct TcpRoute {
    WorkerService* service = nullptr;  // whose pool serves it; null: nowhere, see `failure`
    const config::Timeouts* timeouts = nullptr;
    /// Protocol rdp: the client's first packet, a view into client.in.
    std::optional<persistence::RdpRequest> rdp;
    Failure failure;  // Reason::none without a service: the client left before it said a word
};

/// Follows the rules of the client's service. Reads into client.in only when a rule asks for what
/// the client sends first or the protocol is rdp, for at most `timeouts.handshake`; what was read
/// stays there, to be forwarded as it is. Child coroutine.
Task<TcpRoute> route_connection(Client& client);

}  // namespace poise::proxy
