// What `poise why` and the administration tell of refusals, failures and dropped packets.
#pragma once

#include "app/runtime.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace poise::app {

/// A JSON array, the newest first. `about` is a service, of which everything is told that is kept,
/// or a request's id; empty: up to `count` of all. nullopt when there is neither such a service
/// nor such a request. Control thread.
std::optional<std::string> why_json(const Runtime& runtime, const std::string& about,
                                    std::size_t count);

}  // namespace poise::app
