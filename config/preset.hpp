// Presets: the settings that known applications need, as defaults of a service.
#pragma once

#include "config/model.hpp"
#include "config/places.hpp"

#include <string>
#include <vector>

namespace poise::config {

/// Sets what the preset of `service` stands for and the service itself, at `path`, does not say.
/// What comes from `defaults` is replaced. Does nothing without a preset.
void resolve_preset(Service& service, const std::string& path, const Places& places);

/// Appends the services that presets make: for `exchange` over HTTP one a virtual directory, with
/// the owner's servers and a check and limits of its own, and the rules that lead to them, behind
/// the owner's own rules. Adds an error when one of their names is taken.
void expand_presets(std::vector<Service>& services, const Checks& checks);

/// The chapter of docs/CONFIG.md.
std::string presets_markdown();

}  // namespace poise::config
