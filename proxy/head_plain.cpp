// Walks once along the lines that our reader has found, and once over all bytes.
#include "proxy/head_plain.hpp"

#include "proxy/head_bytes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace poise::proxy {

namespace {

/// As many bytes as one instruction handles on every processor that we run on.
constexpr std::size_t block_bytes = 16;
using Block [[gnu::vector_size(block_bytes)]] = std::uint8_t;

/// Of each place in so many blocks, and of a part of one more, the counts are summed in a byte.
constexpr std::size_t summed_blocks_max = 14;
static_assert((summed_blocks_max + 1) * block_bytes <= 255, "the places' sum is a byte too");

/// Read from index n on: the last n bytes of a block count.
constexpr std::array<std::uint8_t, 2 * block_bytes> counted = [] {
    std::array<std::uint8_t, 2 * block_bytes> table{};
    std::fill(table.begin() + block_bytes, table.end(), std::uint8_t{1});
    return table;
}();

Block load(const void* from) {
    Block block;
    std::memcpy(&block, from, block_bytes);
    return block;
}

/// All bits of a byte are set where `block` holds another one than 0x20 to 0x7e.
Block find_unprintable(Block block) {
    return reinterpret_cast<Block>((block - 0x20) > 0x7e - 0x20);
}

/// How many of `bytes` (a block of them at least) are not 0x20 to 0x7e.
std::size_t count_unprintable(std::string_view bytes) {
    const char* const data = bytes.data();
    const std::size_t rest = bytes.size() % block_bytes;
    const std::size_t whole = bytes.size() - rest;
    // The block of the rest reaches back over bytes that are in whole blocks too.
    Block sum =
        find_unprintable(load(data + bytes.size() - block_bytes)) & load(counted.data() + rest);
    std::size_t n = 0;
    for (std::size_t at = 0; at < whole;) {
        const std::size_t stop = std::min(whole, at + summed_blocks_max * block_bytes);
        for (; at < stop; at += block_bytes)
            sum -= find_unprintable(load(data + at));  // minus 0xff is plus one
        n += __builtin_reduce_add(sum);
        sum = Block{};
    }
    return n;
}

bool starts_line_end(const char* at) {
    return std::memcmp(at, "\r\n", 2) == 0;
}

constexpr std::size_t version_bytes = 8;

bool starts_version(const char* at) {
    return std::memcmp(at, "HTTP/1.", version_bytes - 1) == 0 && (at[7] == '0' || at[7] == '1');
}

/// `end` is behind the first line.
bool is_plain_first_line(const FirstReading& first, const char* end) {
    const char* const at = first.head.data();
    if (end - at < static_cast<std::ptrdiff_t>(version_bytes + 4) || !starts_line_end(end - 2)) {
        return false;
    }
    if (first.method.empty()) return starts_version(at) && at[version_bytes] == ' ';
    const std::string_view target = first.target;
    const char* const version = end - 2 - version_bytes;
    return target.data() == at + first.method.size() + 1 && target.data()[-1] == ' ' &&
           target.data()[0] == '/' && target.data() + target.size() == version - 1 &&
           version[-1] == ' ' && starts_version(version);
}

/// `at` is the start of the line that should be `field`'s.
bool is_plain_line(const char* at, const Field& field) {
    const char* const colon = at + field.name.size();
    return field.name.data() == at && std::memcmp(colon, ": ", 2) == 0 &&
           field.value.data() == colon + 2 && starts_line_end(colon + 2 + field.value.size()) &&
           at[0] != ' ' && colon[-1] != ' ';
}

bool is_like(std::string_view name, std::string_view lower) {
    return name.size() == lower.size() && (name.front() | 0x20) == lower.front();
}

/// True when `digits` are just that, and say `length`. Short enough for every reader's integers.
bool says_length(std::string_view digits, std::uint64_t length) {
    constexpr std::size_t digits_max = 18;
    if (digits.empty() || digits.size() > digits_max) return false;
    std::uint64_t said = 0;
    for (const char digit : digits) {
        if (!is_digit(digit)) return false;
        said = said * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return said == length;
}

}  // namespace

bool is_plain(const FirstReading& first) {
    const auto& fields = first.fields;
    if (first.head.size() < block_bytes) return false;  // no head is shorter
    const char* const last_line = first.head.data() + first.head.size() - 2;
    const char* at = fields.empty() ? last_line : fields.front().name.data();
    if (!is_plain_first_line(first, at)) return false;

    bool has_length = false;
    for (const Field& field : fields) {
        if (!is_plain_line(at, field) || is_like(field.name, "transfer-encoding")) return false;
        if (is_like(field.name, "content-length")) {
            if (has_length || !says_length(field.value, first.framing.content_length)) return false;
            has_length = true;
        }
        at += field.name.size() + field.value.size() + 4;  // ": " and CR LF
    }
    if (at != last_line || !starts_line_end(at)) return false;
    if (first.framing.framing != (has_length ? Framing::length : Framing::none)) return false;
    // The ends of all lines have been seen, so there is no other such byte.
    return count_unprintable(first.head) == 2 * (fields.size() + 2);
}

}  // namespace poise::proxy
