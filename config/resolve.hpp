// What follows from what was written: inherited limits, names, files.
#pragma once

#include "config/draft.hpp"
#include "config/places.hpp"

namespace poise::config {

/// Fills in what a service does not say itself: what a protocol starts from, a rule's whole set of
/// time limits, the names of servers. Paths become absolute and `body_file` is read into the body.
/// Adds an error for each file that cannot be read.
void resolve(Draft& draft, const Checks& checks);

}  // namespace poise::config
