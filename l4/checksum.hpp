// The Internet checksum (RFC 1071) and its change when some bytes of a packet change (RFC 1624).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace poise::l4 {

/// A sum in ones' complement whose carries have been added until 16 bits are left.
constexpr std::uint16_t fold(std::uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

/// The sum over `bytes` as 16-bit words in memory order, an odd last byte padded with 0. Sums of
/// parts that start at even offsets may be added.
std::uint64_t sum_of(std::span<const std::uint8_t> bytes);

/// How a checksum changes with the bytes that it covers. Words are in memory order, so that the
/// result is the same on any machine.
class ChecksumDelta {
public:
    /// Both have the same even size and stand at an even offset of what is summed.
    void replace(std::span<const std::uint8_t> before, std::span<const std::uint8_t> after) {
        sum_ += static_cast<std::uint16_t>(~fold(sum_of(before))) + sum_of(after);
    }
    void replace(std::uint16_t before, std::uint16_t after) {
        sum_ += static_cast<std::uint16_t>(~before) + std::uint64_t{after};
    }

    /// The change of a sum, in memory order.
    std::uint16_t folded() const { return fold(sum_); }
    /// A checksum as it travels: the complement of the sum.
    std::uint16_t applied_to(std::uint16_t checksum) const {
        return static_cast<std::uint16_t>(~fold(sum_ + static_cast<std::uint16_t>(~checksum)));
    }
    /// A partial one, left for the hardware: the sum of the pseudo header itself.
    std::uint16_t applied_to_partial(std::uint16_t sum) const { return fold(sum_ + sum); }

private:
    std::uint64_t sum_ = 0;
};

inline std::uint16_t load16(const std::uint8_t* at) {
    std::uint16_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}
inline void store16(std::uint8_t* at, std::uint16_t word) {
    std::memcpy(at, &word, sizeof word);
}
/// Numbers in network byte order.
inline std::uint16_t load_be16(const std::uint8_t* at) {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline std::uint32_t load_be32(const std::uint8_t* at) {
    return std::uint32_t{load_be16(at)} << 16 | load_be16(at + 2);
}
inline void store_be16(std::uint8_t* at, std::uint16_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}
inline void store_be32(std::uint8_t* at, std::uint32_t value) {
    store_be16(at, static_cast<std::uint16_t>(value >> 16));
    store_be16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace poise::l4
