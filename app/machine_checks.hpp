// What `poise check` asks this machine, so that what passes the check starts.
#pragma once

#include "config/load.hpp"

#include <string>

namespace poise::app {

/// Binds, but neither listens nor keeps, and creates no file. `control` is where the Poise of
/// this machine may answer: an address that it serves is not taken by somebody else. Nothing is
/// said of a port that this user may not bind, for Poise may run as another.
config::MachineChecks machine_checks(std::string control);

}  // namespace poise::app
