#include "l4/checksum.hpp"

namespace poise::l4 {

std::uint64_t sum_of(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = 0;
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 4; left -= 4, at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, at, sizeof word);
        sum += word;
    }
    if (left >= 2) {
        sum += load16(at);
        at += 2;
        left -= 2;
    }
    if (left == 1) {
        const std::uint8_t last[2] = {*at, 0};
        sum += load16(last);
    }
    return sum;
}

}  // namespace poise::l4
