#include "base/hash.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <set>
#include <string>

using namespace poise;

TEST_SUITE("base/hash") {
    constexpr HashKey reference_key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

    TEST_CASE("keyed_hash is SipHash-2-4-128") {
        // Compared with openssl mac SIPHASH over the bytes 0, 1, 2...; its output is the little-
        // endian bytes of both words.
        struct Row {
            std::size_t bytes;
            std::uint64_t high_bytes, low_bytes;  // as printed
        };
        const Row rows[] = {
            {0, 0xa3817f04ba25a8e6, 0x6df67214c7550293},
            {1, 0xda87c1d86b99af44, 0x347659119b22fc45},
            {9, 0x264499060ad9baab, 0xc47f8b02bb6d71ed},
        };
        for (const Row& row : rows) {
            std::string input;
            for (std::size_t i = 0; i < row.bytes; ++i)
                input += static_cast<char>(i);

            const Hash128 hash = keyed_hash(reference_key, input);

            CHECK(std::byteswap(hash.high) == row.high_bytes);
            CHECK(std::byteswap(hash.low) == row.low_bytes);
        }
    }

    TEST_CASE("another key gives another hash") {
        CHECK(keyed_hash(reference_key, "client") != keyed_hash({1, 2}, "client"));
    }

    TEST_CASE("hash64 stays what it was: both nodes of a pair and all versions must agree") {
        CHECK(hash64("") == 0x24e83751f54ae1cb);
        CHECK(hash64("web1") == 0xd5fb29d5bc636a8);
        CHECK(hash64("a name of more than eight bytes", 7) == 0xde548d1bdb3908);
    }

    TEST_CASE("hash64 tells apart what differs in length, zeros and seed") {
        std::set<std::uint64_t> seen;
        std::string zeros;
        for (int i = 0; i < 40; ++i, zeros += '\0') {
            CHECK(seen.insert(hash64(zeros)).second);
            CHECK(seen.insert(hash64(zeros, 1)).second);
        }
    }

    TEST_CASE("one bit of the input changes about half of the bits of hash64") {
        std::string text = "the quick brown fox";
        const std::uint64_t before = hash64(text);
        for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
            std::string changed = text;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));

            const int bits = std::popcount(hash64(changed) ^ before);

            CHECK(bits > 12);
            CHECK(bits < 52);
        }
    }
}
