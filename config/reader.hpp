// Reads a YAML tree into structs by the key table.
#pragma once

#include "config/places.hpp"
#include "config/schema.hpp"
#include "config/tree.hpp"

namespace poise::config {

/// Reads `tree` into `target`, the struct that `mapping` is bound to. Keys are read in the
/// table's order, whatever their order in the file. Adds every error to `report` and goes on;
/// what was refused keeps its default and is marked in `places`.
void read_tree(const Tree& tree, const Mapping& mapping, void* target, Places& places,
               Report& report);

}  // namespace poise::config
