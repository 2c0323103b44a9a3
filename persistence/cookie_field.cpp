// The part of cookie.hpp that reads and rewrites the Cookie field (RFC 6265 section 4.2.1).
#include "persistence/cookie.hpp"

#include <algorithm>

namespace poise::persistence {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view without_leading_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    return text;
}

std::string_view trimmed(std::string_view text) {
    text = without_leading_blanks(text);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

}  // namespace

CookiePiece next_cookie(std::string_view& rest) {
    const std::size_t bytes = std::min(rest.find(';'), rest.size());
    CookiePiece piece;
    piece.whole = rest.substr(0, bytes);
    rest.remove_prefix(std::min(bytes + 1, rest.size()));
    const std::size_t equals = piece.whole.find('=');
    if (equals == std::string_view::npos) {
        piece.value = trimmed(piece.whole);
        return piece;
    }
    piece.name = trimmed(piece.whole.substr(0, equals));
    piece.value = trimmed(piece.whole.substr(equals + 1));
    return piece;
}

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
    std::optional<std::string_view> found;
    each_cookie(header, name, [&](std::string_view value) {
        found = value;
        return true;
    });
    return found;
}

bool append_without_cookies(std::string& out, std::string_view header,
                            std::span<const std::string> names) {
    const std::size_t start = out.size();
    const std::string_view whole = header;
    bool first = true;
    bool removed = false;
    bool anything_left = false;
    while (!header.empty()) {
        const CookiePiece piece = next_cookie(header);
        if (std::ranges::find(names, piece.name) != names.end()) {
            removed = true;
            continue;
        }
        if (!first) out += ';';
        // What stood behind a removed start has the blank of its separator in front.
        out += first && removed ? without_leading_blanks(piece.whole) : piece.whole;
        first = false;
        anything_left = anything_left || !trimmed(piece.whole).empty();
    }
    if (!anything_left || !removed) out.resize(start);
    if (!removed && anything_left) out += whole;  // an empty piece at its end included
    return anything_left;
}

std::string remove_cookie(std::string_view header, std::string_view name) {
    std::string rest;
    const std::string one{name};
    append_without_cookies(rest, header, {&one, 1});
    return rest;
}

}  // namespace poise::persistence
