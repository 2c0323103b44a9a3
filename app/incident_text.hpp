// Refusals and failures, told to people and to programs: what `poise why` prints.
#pragma once

#include "proxy/incidents.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace poise::app {

/// A JSON array of objects with all facts of each incident and of its reason.
std::string incidents_to_json(const std::vector<proxy::Incident>& incidents);

/// One incident of that JSON, explained over several lines, when `json` holds one; else a line
/// for each, the newest first. "" when the text is no such JSON.
std::string incidents_text(std::string_view json);

}  // namespace poise::app
