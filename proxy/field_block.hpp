// A field section as HTTP/2 delivers it: one field after the other, kept in one piece of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poise::proxy {

/// Names and values one behind the other, and where each stands. Bounded: what is too much is
/// counted and dropped.
class FieldBlock {
public:
    struct Limits {
        std::size_t bytes = 65'536;  // names and values
        std::size_t fields = 100;
    };

    /// Keeps a field unless it is over a limit; then only the block's state says so.
    void add(std::string_view name, std::string_view value, const Limits& limits);

    std::size_t size() const { return marks_.size(); }
    std::string_view name(std::size_t i) const {
        return {bytes_.data() + marks_[i].at, marks_[i].name_bytes};
    }
    std::string_view value(std::size_t i) const {
        return {bytes_.data() + marks_[i].at + marks_[i].name_bytes, marks_[i].value_bytes};
    }
    std::string_view bytes() const { return bytes_; }

    /// Joins all fields "cookie" into the first one (RFC 9113 section 8.2.3).
    void merge_cookies();

    bool too_long() const { return too_long_; }
    bool too_many() const { return too_many_; }
    bool last() const { return last_; }  // nothing follows: END_STREAM came with it
    void set_last() { last_ = true; }
    void clear();
    /// Holds memory, as much as most heads need: for the next one.
    bool is_worth_keeping() const;

private:
    struct Mark {
        std::uint32_t at;
        std::uint32_t name_bytes;
        std::uint32_t value_bytes;
    };
    std::string bytes_;
    std::vector<Mark> marks_;
    std::uint32_t cookies_ = 0;
    bool too_long_ = false;
    bool too_many_ = false;
    bool last_ = false;
};

}  // namespace poise::proxy
