#include "base/hash.hpp"

#include <bit>
#include <cstring>

namespace poise {

namespace {

// Both nodes of a pair must agree, so the bytes are read as little-endian everywhere.
std::uint64_t load_le(const char* at, std::size_t count) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, count);
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    return value;
}

// 64 x 64 to 128 bits, both halves folded: one multiplication mixes all bits.
std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// SipHash, after the paper of Aumasson and Bernstein: four words, mixed by rounds.
struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }

    void rounds(int count) {
        for (int i = 0; i < count; ++i)
            round();
    }

    void absorb(std::uint64_t word) {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
    }

    std::uint64_t value() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
    constexpr std::uint64_t odd_a = 0x9e3779b97f4a7c15ULL;
    constexpr std::uint64_t odd_b = 0xd6e8feb86659fd93ULL;
    std::uint64_t state = mix64(seed ^ odd_a) ^ (bytes.size() * odd_b);
    while (bytes.size() > 8) {
        state = fold_multiply(state ^ load_le(bytes.data(), 8), odd_b) + odd_a;
        bytes.remove_prefix(8);
    }
    state ^= bytes.empty() ? 0 : load_le(bytes.data(), bytes.size());
    return mix64(fold_multiply(state, odd_a) ^ state);
}

Hash128 keyed_hash(const HashKey& key, std::string_view bytes) {
    SipState state{key.first ^ 0x736f6d6570736575ULL, key.second ^ 0x646f72616e646f6dULL ^ 0xee,
                   key.first ^ 0x6c7967656e657261ULL, key.second ^ 0x7465646279746573ULL};
    const std::uint64_t length = bytes.size();
    while (bytes.size() >= 8) {
        state.absorb(load_le(bytes.data(), 8));
        bytes.remove_prefix(8);
    }
    state.absorb((length << 56) | (bytes.empty() ? 0 : load_le(bytes.data(), bytes.size())));
    state.v2 ^= 0xee;
    state.rounds(4);
    const std::uint64_t first = state.value();
    state.v1 ^= 0xdd;
    state.rounds(4);
    return {first, state.value()};
}

}  // namespace poise
