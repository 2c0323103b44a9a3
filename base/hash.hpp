// Hashes whose results are the same in every build and on both nodes of a pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poise {

/// Spreads the bits of a number over all bits of the result; a bijection, so that different
/// numbers stay different.
constexpr std::uint64_t mix64(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/// A fast hash of bytes for tables over values that we choose ourselves (names, rules). Who may
/// choose the bytes can make collisions: what clients send goes into keyed_hash.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

/// The secret of keyed_hash; both nodes of a pair must have the same one.
struct HashKey {
    std::uint64_t first = 0;
    std::uint64_t second = 0;

    bool operator==(const HashKey&) const = default;
};

struct Hash128 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    auto operator<=>(const Hash128&) const = default;
};

/// SipHash-2-4 with 128 bits of result: who does not know the key cannot make collisions.
Hash128 keyed_hash(const HashKey& key, std::string_view bytes);

}  // namespace poise
