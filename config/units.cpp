#include "config/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <span>

namespace poise::config {

namespace {

struct Unit {
    std::string_view text;
    std::uint64_t factor;
};

constexpr std::array<Unit, 5> duration_units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::uint64_t duration_max = 3'660ULL * 86'400'000;

constexpr std::array<Unit, 5> size_units{
    {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}}};
constexpr std::uint64_t size_max = 1ULL << 62;

struct Parts {
    std::uint64_t number;
    std::string_view unit;
};

// Digits, then whatever follows; nothing when there are no digits or too many.
std::optional<Parts> split_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, ec] = std::from_chars(text.data(), end, number);
    if (ec != std::errc{}) return std::nullopt;
    return Parts{number, std::string_view(rest, static_cast<std::size_t>(end - rest))};
}

std::optional<std::uint64_t> scaled(const Parts& parts, std::span<const Unit> units,
                                    std::uint64_t max) {
    for (const Unit& unit : units) {
        if (unit.text == parts.unit && parts.number <= max / unit.factor)
            return parts.number * unit.factor;
    }
    return std::nullopt;
}

// "5 s" and "64 KiB" are meant well: the unit with its spaces taken away.
std::string_view without_spaces(std::string_view unit) {
    while (unit.starts_with(' '))
        unit.remove_prefix(1);
    return unit;
}

bool is_unit(std::string_view text, std::span<const Unit> units) {
    for (const Unit& unit : units) {
        if (unit.text == text) return true;
    }
    return false;
}

// What the writer of another product's unit meant, or empty.
std::string_view size_unit_meant(std::string_view unit) {
    if (unit == "k" || unit == "K" || unit == "kB" || unit == "KB" || unit == "kb") return "KiB";
    if (unit == "m" || unit == "M" || unit == "MB" || unit == "mb") return "MiB";
    if (unit == "g" || unit == "G" || unit == "GB" || unit == "gb") return "GiB";
    if (unit == "b" || unit == "bytes") return "B";
    return {};
}

std::string format_with(std::uint64_t value, std::span<const Unit> units) {
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
        if (value % unit->factor == 0) return fmt::format("{}{}", value / unit->factor, unit->text);
    }
    return {};
}

}  // namespace

std::expected<std::chrono::milliseconds, Problem> parse_duration(std::string_view text) {
    const auto parts = split_number(text);
    if (parts) {
        if (const auto value = scaled(*parts, duration_units, duration_max))
            return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
    }
    Problem problem{
        fmt::format("must be a duration such as 200ms, 2s, 30m or 1h, found {}", quote(text)), {}};
    if (!parts) return std::unexpected(std::move(problem));
    const std::string_view unit = without_spaces(parts->unit);
    if (unit.empty()) {
        problem.message = fmt::format("must be a duration with a unit, found {}", quote(text));
        problem.hint = fmt::format("write {}s", parts->number);
    } else if (is_unit(unit, duration_units)) {
        problem.hint = unit.size() == parts->unit.size()
                           ? std::string("the longest duration is 3660d")
                           : fmt::format("write {}{}", parts->number, unit);
    }
    return std::unexpected(std::move(problem));
}

std::string format_duration(std::chrono::milliseconds value) {
    if (value.count() <= 0) return "0s";
    return format_with(static_cast<std::uint64_t>(value.count()), duration_units);
}

std::expected<std::uint64_t, Problem> parse_size(std::string_view text) {
    if (text == "0") return 0;
    const auto parts = split_number(text);
    if (parts) {
        if (const auto value = scaled(*parts, size_units, size_max)) return *value;
    }
    Problem problem{
        fmt::format("must be a size such as 512B, 64KiB or 1MiB, found {}", quote(text)), {}};
    if (!parts) return std::unexpected(std::move(problem));
    const std::string_view unit = without_spaces(parts->unit);
    const std::string_view meant = size_unit_meant(unit);
    if (unit.empty()) {
        problem.message = fmt::format("must be a size with a unit, found {}", quote(text));
        problem.hint = fmt::format("write {}", format_size(parts->number));
    } else if (!meant.empty()) {
        problem.hint = fmt::format("write {}{}", parts->number, meant);
    } else if (is_unit(unit, size_units) && unit.size() != parts->unit.size()) {
        problem.hint = fmt::format("write {}{}", parts->number, unit);
    }
    return std::unexpected(std::move(problem));
}

std::string format_size(std::uint64_t bytes) {
    return bytes == 0 ? "0" : format_with(bytes, size_units);
}

std::expected<std::int64_t, Problem> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, ec] = std::from_chars(text.data(), end, value);
    if (ec == std::errc{} && rest == end) return value;
    return std::unexpected(
        Problem{fmt::format("must be a whole number, found {}", quote(text)), {}});
}

std::string quote(std::string_view text) {
    constexpr std::size_t length_max = 60;
    std::string out = "'";
    for (const char c : text.substr(0, length_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    // A character of several bytes must not be cut in two.
    if (text.size() > length_max) {
        while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80)
            out.pop_back();
        if (static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
        out += "...";
    }
    return out + "'";
}

}  // namespace poise::config
