// Refusals, failures and dropped packets, told to people and to programs: what `poise why` prints.
#pragma once

#include "app/dropped.hpp"
#include "proxy/incidents.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace poise::app {

/// A JSON array of objects with all facts of each incident and of its reason, the newest first,
/// at most `count` of them. A dropped packet has the members of an incident and "packets", how
/// many were dropped for that reason. Both lists have the newest first.
std::string incidents_to_json(const std::vector<proxy::Incident>& incidents,
                              const std::vector<Dropped>& drops, std::size_t count);

/// One incident of that JSON, explained over several lines, when `json` holds one; else a line
/// for each, the newest first, and, of the service that it is about, what to do for each reason.
/// An empty `service`: it is about all. "" when the text is no such JSON.
std::string incidents_text(std::string_view json, std::string_view service = {});

}  // namespace poise::app
