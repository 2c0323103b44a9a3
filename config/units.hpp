// Numbers with units as the configuration writes them: durations (2s), sizes (64KiB), integers.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace poise::config {

/// Why a text is not a value. `message` goes after the key's name ("must be ..., found '5'")
/// unless it is a whole sentence by itself.
struct Problem {
    std::string message;
    std::string hint = {};  // may be empty
    bool whole = false;
};

/// Reads "200ms", "2s", "30m", "1h", "7d"; whole numbers up to ten years. A missing unit is a
/// Problem that says what to write.
std::expected<std::chrono::milliseconds, Problem> parse_duration(std::string_view text);

/// The shortest text that reads back as the same value: "90s", not "90000ms".
std::string format_duration(std::chrono::milliseconds value);

/// Reads "512B", "64KiB", "1MiB", "2GiB", "1TiB" (powers of 1024), and a bare "0".
std::expected<std::uint64_t, Problem> parse_size(std::string_view text);

/// The largest unit without a remainder: "64KiB", "1000B", "0".
std::string format_size(std::uint64_t bytes);

/// Reads a whole decimal number without a sign other than '-'.
std::expected<std::int64_t, Problem> parse_integer(std::string_view text);

/// `text` in single quotes, shortened when long and with unprintable bytes written out, so that
/// no input can disturb a terminal or fill a log.
std::string quote(std::string_view text);

}  // namespace poise::config
