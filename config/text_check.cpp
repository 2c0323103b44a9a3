#include "config/text_check.hpp"

#include "config/tree.hpp"
#include "config/units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::config {

namespace {

bool is_control(unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

// Length of the UTF-8 sequence at the start of `text`, 0 when it is not one (RFC 3629: no
// overlong forms, no surrogates, nothing past U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return length;
}

}  // namespace

Position position_of(std::string_view text, std::size_t offset, const std::string& name) {
    const std::string_view before = text.substr(0, offset);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto newline = before.rfind('\n');
    const auto start = newline == std::string_view::npos ? 0 : newline + 1;
    return {name, static_cast<int>(lines) + 1, static_cast<int>(before.size() - start) + 1};
}

std::optional<Diagnostic> find_binary(std::string_view text, const std::string& name) {
    if (text.size() > file_bytes_max) {
        return Diagnostic{{name, 1, 1},
                          fmt::format("the file is larger than {}", format_size(file_bytes_max)),
                          "a configuration is never this large: is it the right file?"};
    }
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text.substr(i));
        if (length == 0) {
            return Diagnostic{
                position_of(text, i, name),
                fmt::format("byte 0x{:02x} is not UTF-8 text", static_cast<unsigned char>(text[i])),
                "save the file as UTF-8"};
        }
        if (is_control(static_cast<unsigned char>(text[i]))) {
            return Diagnostic{position_of(text, i, name),
                              fmt::format("control byte 0x{:02x}: this is not a text file",
                                          static_cast<unsigned char>(text[i])),
                              "is it the right file? UTF-16 must be saved as UTF-8"};
        }
        i += length;
    }
    return std::nullopt;
}

std::string_view line_of(std::string_view text, int line) {
    for (int current = 1; current < line; ++current) {
        const auto newline = text.find('\n');
        if (newline == std::string_view::npos) return {};
        text.remove_prefix(newline + 1);
    }
    return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace poise::config
