// Small pieces of text that several commands need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poise::app {

/// Without line feeds; a last empty line is left out.
std::vector<std::string> lines_of(std::string_view text);

/// `text` with control bytes escaped (\x1b), so that a terminal shows it and does not obey it.
std::string printable(std::string_view text);

}  // namespace poise::app
