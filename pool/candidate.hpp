// A candidate as the schedulers that compare loads keep it between two changes of the pool.
#pragma once

#include "pool/fair_turn.hpp"
#include "pool/usable.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace poise::pool {

/// Weight and limit are copies: they change only with the pool's version, and a pick then reads
/// one cache line of the shared server and not two.
struct Candidate {
    RealServer* server;
    std::uint64_t weight;  // above 0
    std::uint32_t connections_max;
    FairTurn turn;

    bool usable(std::uint32_t connections, const PickHint& hint) const {
        if (connections_max != 0 && connections >= connections_max) return false;
        return !is_left_out(server, hint);
    }
};

enum class UseWeight : bool { no, yes };

/// Fills `into` from `candidates`, but for those whose weight has just become 0.
inline void collect(std::span<RealServer* const> candidates, UseWeight use_weight, Random& random,
                    std::vector<Candidate>& into) {
    into.clear();
    for (RealServer* server : candidates) {
        const std::uint32_t effective = server->effective_weight();
        if (effective == 0) continue;
        const std::uint32_t weight = use_weight == UseWeight::yes ? effective : 1;
        into.push_back(
            {server, weight, server->connections_max(), FairTurn::of_weight(weight, random)});
    }
}

}  // namespace poise::pool
