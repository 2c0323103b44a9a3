// The bytes of sized bodies: one constant table.
#include "bench/origin/reply.hpp"

#include <algorithm>

namespace poise::origin {

namespace {

constexpr std::size_t pattern_size = pattern_period + pattern_bytes_max;

struct Pattern {
    std::string bytes;
    Pattern() {
        bytes.reserve(pattern_size);
        for (std::size_t i = 0; i < pattern_size; ++i) {
            bytes.push_back(static_cast<char>('a' + i % pattern_period % 26));
        }
    }
};

// The one constant table of this program; never changed after start.
const Pattern table;

}  // namespace

std::string_view pattern(std::uint64_t at, std::uint64_t size) {
    const std::size_t wanted = std::min<std::uint64_t>(size, pattern_bytes_max);
    return std::string_view(table.bytes).substr(at % pattern_period, wanted);
}

}  // namespace poise::origin
