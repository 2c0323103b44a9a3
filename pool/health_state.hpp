// Decides from the results of checks, one after another, whether a server is up. Pure.
#pragma once

#include "pool/real_server.hpp"

#include <cstdint>

namespace poise::pool {

enum class Transition : std::uint8_t { none, went_up, went_down };

/// Up after `rise` good results in a row, down after `fall` bad ones. The first result of all
/// decides alone: at a start nothing is known that it could contradict.
class HealthState {
public:
    /// `fall` and `rise` are at least 1.
    HealthState(int fall, int rise, Health initial = Health::unknown);

    Transition note(bool ok);

    /// Somebody else has found out. It takes `rise` good results to leave a forced down.
    void force(Health health);

    Health health() const { return health_; }
    int in_row() const { return in_row_; }  // results alike, the last one included
    /// How many results like the last one it took, or takes, to change.
    int needed() const { return needed_; }

private:
    int fall_;
    int rise_;
    Health health_;
    bool last_ok_ = false;
    int in_row_ = 0;
    int needed_ = 1;
};

}  // namespace poise::pool
