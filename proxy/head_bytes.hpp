// Which bytes RFC 9110 allows where: tables and scans for the parsers of heads and trailers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace poise::proxy {

using ByteSet = std::array<bool, 256>;

constexpr ByteSet make_byte_set(std::string_view extra) {
    ByteSet set{};
    for (int c = '0'; c <= '9'; ++c)
        set[static_cast<std::size_t>(c)] = true;
    for (int c = 'a'; c <= 'z'; ++c)
        set[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c)
        set[static_cast<std::size_t>(c)] = true;
    for (const char c : extra)
        set[static_cast<unsigned char>(c)] = true;
    return set;
}

/// tchar of RFC 9110 section 5.6.2.
inline constexpr ByteSet token_bytes = make_byte_set("!#$%&'*+-.^_`|~");

/// Of a request target: everything printable but space and "#". Wider than RFC 3986, because
/// browsers send "|", "{" and others bare, and none of them is ambiguous.
inline constexpr ByteSet target_bytes = make_byte_set("!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

constexpr bool in(const ByteSet& set, char c) {
    return set[static_cast<unsigned char>(c)];
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// True for what no field value may hold: C0 controls but the tab, and DEL.
constexpr bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/// True when `text` is a token of RFC 9110: not empty, token bytes only.
constexpr bool is_token(std::string_view text) {
    for (const char c : text) {
        if (!in(token_bytes, c)) return false;
    }
    return !text.empty();
}

/// The index of the first control byte of `bytes` from `at` on (CR and LF count, the tab does
/// not), or the size of `bytes`. Looks at eight bytes at a time.
inline std::size_t find_control(std::string_view bytes, std::size_t at) {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = ones * 0x80;
    while (at + sizeof(std::uint64_t) <= bytes.size()) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        // The high bit of a byte is set when the byte is below 0x20, or is 0x7f. A borrow can
        // set bits of bytes behind a real hit only, so a word without a hit is never misread.
        const std::uint64_t del = word ^ (ones * 0x7f);
        const std::uint64_t hits =
            ((word - ones * 0x20) & ~word & highs) | ((del - ones) & ~del & highs);
        if (hits != 0) {
            for (std::size_t i = 0; i < sizeof word; ++i) {
                if (is_control(bytes[at + i])) return at + i;
            }
        }
        at += sizeof word;
    }
    while (at < bytes.size() && !is_control(bytes[at]))
        ++at;
    return at;
}

}  // namespace poise::proxy
