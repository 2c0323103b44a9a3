// Small pieces of text that several commands need.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::app {

/// Without line feeds; a last empty line is left out.
std::vector<std::string> lines_of(std::string_view text);

/// `text` with control bytes escaped (\x1b), so that a terminal shows it and does not obey it.
std::string printable(std::string_view text);

/// `line` in at most `columns` columns, "…" in place of what is cut; colours (\x1b[...m) take no
/// room and are switched off behind a cut. 0 columns: no limit.
std::string clipped(std::string_view line, std::size_t columns);

/// This machine's, or "localhost" when it has none.
std::string host_name();

/// "2026-11-25T02:33:28Z", as in every JSON of ours.
std::string time_text(std::chrono::system_clock::time_point at);
/// nullopt when the text is not of that form.
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text);

}  // namespace poise::app
