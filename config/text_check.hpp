// What can be said about a file before YAML is tried: size, encoding, control bytes.
#pragma once

#include "config/diagnostic.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace poise::config {

/// The place of byte `offset` in `text`.
Position position_of(std::string_view text, std::size_t offset, const std::string& name);

/// The first reason why `text` is not a text file in UTF-8 of bearable size, or nothing.
std::optional<Diagnostic> find_binary(std::string_view text, const std::string& name);

/// The line `line` (from 1) of `text` without its end, or empty past the last.
std::string_view line_of(std::string_view text, int line);

}  // namespace poise::config
