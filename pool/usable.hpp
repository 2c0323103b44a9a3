// What every scheduler asks of a candidate at each pick.
#pragma once

#include "pool/real_server.hpp"
#include "pool/scheduler.hpp"

namespace poise::pool {

inline bool was_tried(const RealServer* server, const PickHint& hint) {
    for (const RealServer* tried : hint.tried) {
        if (tried == server) return true;
    }
    return false;
}

/// A candidate that may take this request: it has a free place and has not failed in it yet.
inline bool is_usable(const RealServer* server, const PickHint& hint) {
    return !server->full() && !was_tried(server, hint);
}

}  // namespace poise::pool
