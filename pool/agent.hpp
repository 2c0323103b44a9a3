// Asks a server's own agent how much it wants to serve. Reads one line from TCP, by default of
// port 3333: "75%", "weight:50 maxconn:30", "drain", "down #disk full".
#pragma once

#include "base/address.hpp"
#include "base/task.hpp"
#include "pool/agent_state.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace poise::pool {

constexpr std::size_t agent_line_bytes_max = 256;

/// What `before` becomes by `line` (with or without its end of line). Words are separated by
/// spaces, tabs or commas, in any case; a word after a word that it contradicts wins:
///   75%            part of the weight in force, 0% to 100%
///   weight:50      in place of the configured weight, 0 to 256
///   maxconn:30     in place of max_connections; 0: no limit
///   up             not down any more; says nothing of drain and maint
///   down fail(ed) stopped     takes nothing, until "up"
///   ready          ends drain and maint
///   drain          takes nothing new; maint: takes nothing
///   #reason        up to the end of the line, for people
/// An error says what is wrong with the line; it then counts for nothing as a whole.
std::expected<AgentState, std::string> parse_agent_line(std::string_view line, AgentState before);

/// The agent's line, or why there is none: "connect refused". Ends within `limit`.
Task<std::expected<std::string, std::string>> ask_agent(Address agent,
                                                        std::chrono::milliseconds limit);

}  // namespace poise::pool
