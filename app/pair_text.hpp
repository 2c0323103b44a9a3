// The pair's state for people, and as JSON between `poise status` and the running Poise.
#pragma once

#include "app/status.hpp"
#include "ha/pair_status.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace poise::app {

/// "active: the other node is silent (epoch 4, 38 ms after its last beat)".
std::string change_text(const ha::OwnerChange& change);

/// The last changes of owner, newest first, a line each.
std::string changes_text(const ha::PairStatus& pair, std::chrono::system_clock::time_point now);

/// A few lines, each with a line feed.
std::string pair_text(const ha::PairStatus& pair, const StatusStyle& style);

std::string pair_to_json(const ha::PairStatus& pair);
/// Throws std::exception when the text is no such object.
ha::PairStatus pair_from_json(std::string_view text);

}  // namespace poise::app
