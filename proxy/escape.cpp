#include "proxy/escape.hpp"

#include <algorithm>
#include <cstdint>

namespace poise::proxy {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

// U+0080 to U+009F, which terminals obey, and the line separators U+2028 and U+2029, which some
// readers of logs and all of JavaScript take for line ends.
bool is_wide_control(std::string_view character) {
    if (character.size() == 2)
        return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
    return character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
}

bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '=';
}

void append_hex_escape(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
}

// Calls `plain(character)` for each whole character and `bad(byte)` for each other byte.
template <typename Plain, typename Bad>
void each_character(std::string_view text, Plain plain, Bad bad) {
    while (!text.empty()) {
        const std::size_t bytes = utf8_bytes(text);
        if (bytes == 0) {
            bad(text.front());
        } else {
            plain(text.substr(0, bytes));
        }
        text.remove_prefix(std::max(bytes, std::size_t{1}));
    }
}

std::string_view html_entity(char c) {
    switch (c) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&#39;";
        default:
            return {};
    }
}

void append_json_character(std::string& out, std::string_view character) {
    const char c = character.front();
    if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
    } else if (c == '\n') {
        out += "\\n";
    } else if (character.size() == 1 && is_control(c)) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\u00";
        out += hex_digits[byte >> 4];
        out += hex_digits[byte & 15];
    } else if (is_wide_control(character)) {
        out += replacement;
    } else {
        out += character;
    }
}

}  // namespace

std::size_t utf8_bytes(std::string_view text) {
    if (text.empty()) return 0;
    const auto at = [&](std::size_t i) -> std::uint32_t {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const auto follows = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
    const std::uint32_t first = at(0);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4 || !follows(1)) return 0;
    if (first < 0xE0) return 2;
    const bool overlong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xF0 && at(1) < 0x90);
    const bool surrogate = first == 0xED && at(1) >= 0xA0;
    const bool beyond = first == 0xF4 && at(1) >= 0x90;
    if (overlong || surrogate || beyond || !follows(2)) return 0;
    if (first < 0xF0) return 3;
    return follows(3) ? 4 : 0;
}

void append_html(std::string& out, std::string_view text) {
    const auto plain = [&](std::string_view character) {
        const char c = character.front();
        if (character.size() == 1 && is_control(c) && c != '\n') {
            out += replacement;
            return;
        }
        const std::string_view entity = html_entity(c);
        out += entity.empty() ? character : entity;
    };
    each_character(text, plain, [&](char) { out += replacement; });
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    each_character(
        text, [&](std::string_view character) { append_json_character(out, character); },
        [&](char) { out += replacement; });
    out += '"';
}

void append_log_value(std::string& out, std::string_view text) {
    if (text.empty()) {
        out += '-';
        return;
    }
    if (std::ranges::all_of(text, is_plain) && text != "-") {
        out += text;
        return;
    }
    out += '"';
    const auto plain = [&](std::string_view character) {
        const char c = character.front();
        const bool single = character.size() == 1;
        if ((single && is_control(c)) || is_wide_control(character)) {
            for (const char byte : character)
                append_hex_escape(out, byte);
            return;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += character;
    };
    each_character(text, plain, [&](char c) { append_hex_escape(out, c); });
    out += '"';
}

}  // namespace poise::proxy
