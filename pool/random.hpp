// Cheap numbers for spreading load: nothing here may keep a secret.
#pragma once

#include <cstdint>
#include <string_view>

namespace poise::pool {

/// Spreads the bits of `x`: near inputs give far outputs (the finaliser of MurmurHash3).
constexpr std::uint64_t mixed(std::uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    x ^= x >> 33;
    return x;
}

/// The same in every worker, run and node, so that tables agree.
constexpr std::uint64_t hash_text(std::string_view text, std::uint64_t salt) {
    std::uint64_t hash = mixed(salt + 0x9e3779b97f4a7c15ULL);
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return mixed(hash);
}

/// A generator of eight bytes of state (splitmix64). The same seed, the same numbers.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15ULL); }

    /// 0 to `bound` - 1; the bias is below bound / 2^32.
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
    }

private:
    std::uint64_t state_;
};

}  // namespace poise::pool
