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

/// Not for this request: it has failed in it, or a moment ago in another.
inline bool is_left_out(const RealServer* server, const PickHint& hint) {
    if (hint.failed_after != PickHint::never && server->connect_failed_after(hint.failed_after))
        return true;
    return was_tried(server, hint);
}

/// A candidate that may take this request: it has a free place and is not left out.
inline bool is_usable(const RealServer* server, const PickHint& hint) {
    return !server->full() && !is_left_out(server, hint);
}

}  // namespace poise::pool
