#include "pool/health_state.hpp"

#include <cassert>

namespace poise::pool {

HealthState::HealthState(int fall, int rise, Health initial)
    : fall_(fall), rise_(rise), health_(initial) {
    assert(fall >= 1);
    assert(rise >= 1);
}

Transition HealthState::note(bool ok) {
    in_row_ = in_row_ > 0 && last_ok_ == ok ? in_row_ + 1 : 1;
    last_ok_ = ok;
    const Health wanted = ok ? Health::up : Health::down;
    needed_ = health_ == Health::unknown ? 1 : (ok ? rise_ : fall_);
    if (health_ == wanted || in_row_ < needed_) return Transition::none;
    health_ = wanted;
    return ok ? Transition::went_up : Transition::went_down;
}

void HealthState::force(Health health) {
    health_ = health;
    in_row_ = 0;
}

}  // namespace poise::pool
