// Reads a YAML tree into structs by the key table.
#pragma once

#include "config/places.hpp"
#include "config/schema.hpp"
#include "config/tree.hpp"

namespace poise::config {

/// Reads `tree`, a mapping or null, into `target`, the struct that `mapping` is bound to.
/// `other` is the top of the other file, for keys that belong there; may be null. Keys are read in
/// the table's order, whatever their order in the file. Adds every error to `report` and goes on;
/// what was refused keeps its default and is marked in `places`.
void read_tree(const Tree& tree, const Mapping& mapping, const Mapping* other, void* target,
               Places& places, Report& report);

}  // namespace poise::config
