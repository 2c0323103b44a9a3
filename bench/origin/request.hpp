// A request head, strictly read. Views point into the connection's input buffer and are valid until
// that buffer changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace poise::origin {

constexpr std::size_t head_bytes_max = 128 * 1024;
constexpr std::size_t fields_max = 256;

struct Request {
    std::string_view method;
    std::string_view target;
    bool http11 = true;
    bool keep_alive = true;
    bool expects_continue = false;
    bool chunked = false;
    std::uint64_t content_length = 0;
    std::string_view upgrade;  // empty: none asked
    std::vector<std::pair<std::string_view, std::string_view>> fields;
};

enum class HeadResult { complete, incomplete, bad };

/// Reads one head from the start of `input`. When complete, `head_bytes` is its length.
HeadResult parse_head(std::string_view input, Request& request, std::size_t& head_bytes);

/// Whether two ASCII words are equal without regard to case.
bool same_word(std::string_view left, std::string_view right);

}  // namespace poise::origin
