// Big-endian numbers and short texts in and out of bytes, checked against the end.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

class ByteWriter {
public:
    void u8(std::uint8_t value) { bytes_.push_back(value); }
    void u16(std::uint16_t value) { number(value, 2); }
    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void raw(std::span<const std::uint8_t> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    /// A length byte and the text, cut at `limit` (at most 255).
    void text(std::string_view text, std::size_t limit) {
        text = text.substr(0, std::min<std::size_t>(limit, 255));
        u8(static_cast<std::uint8_t>(text.size()));
        bytes_.insert(bytes_.end(), text.begin(), text.end());
    }
    /// Four length bytes and the bytes.
    void blob(std::string_view bytes) {
        u32(static_cast<std::uint32_t>(bytes.size()));
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    std::vector<std::uint8_t> take() { return std::move(bytes_); }

private:
    void number(std::uint64_t value, int width) {
        for (int shift = (width - 1) * 8; shift >= 0; shift -= 8)
            bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    }

    std::vector<std::uint8_t> bytes_;
};

/// Reads past the end give zeros, and `good` is false from then on.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    template <std::size_t N>
    std::array<std::uint8_t, N> raw() {
        std::array<std::uint8_t, N> value{};
        if (take(N)) std::memcpy(value.data(), bytes_.data() + at_ - N, N);
        return value;
    }
    std::string text(std::size_t limit) {
        const std::size_t size = u8();
        if (size > limit) good_ = false;
        if (!good_ || !take(size)) return {};
        return {reinterpret_cast<const char*>(bytes_.data()) + at_ - size, size};
    }
    std::string blob() {
        const std::size_t size = u32();
        if (!take(size)) return {};
        return {reinterpret_cast<const char*>(bytes_.data()) + at_ - size, size};
    }
    bool good() const { return good_; }
    bool at_end() const { return at_ == bytes_.size(); }

private:
    bool take(std::size_t n) {
        if (!good_ || bytes_.size() - at_ < n) return good_ = false;
        at_ += n;
        return true;
    }
    std::uint64_t number(std::size_t width) {
        if (!take(width)) return 0;
        std::uint64_t value = 0;
        for (std::size_t i = at_ - width; i < at_; ++i)
            value = value << 8 | bytes_[i];
        return value;
    }

    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
    bool good_ = true;
};

}  // namespace poise::ha
