// A request body, counted and hashed as it streams by; never held.
#include "bench/origin/body.hpp"

#include <algorithm>
#include <charconv>

namespace poise::origin {

namespace {

constexpr std::uint64_t fnv_start = 14695981039346656037ULL;
constexpr std::uint64_t fnv_prime = 1099511628211ULL;
constexpr std::size_t line_bytes_max = 4096;

}  // namespace

void BodyReader::start(bool chunked, std::uint64_t content_length) {
    chunked_ = chunked;
    left_ = chunked ? 0 : content_length;
    bytes_ = 0;
    hash_ = fnv_start;
    state_ = chunked ? State::chunk_line : (content_length > 0 ? State::data : State::done);
}

std::size_t BodyReader::take(std::string_view input) {
    std::size_t taken = 0;
    while (state_ != State::done && state_ != State::bad && taken < input.size()) {
        const std::string_view rest = input.substr(taken);
        const std::size_t step = state_ == State::data ? take_data(rest) : take_line(rest);
        if (step == 0) break;
        taken += step;
    }
    return taken;
}

std::size_t BodyReader::take_data(std::string_view input) {
    const std::size_t size = std::min<std::uint64_t>(left_, input.size());
    for (const char byte : input.substr(0, size)) {
        hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * fnv_prime;
    }
    bytes_ += size;
    left_ -= size;
    if (left_ == 0) state_ = chunked_ ? State::chunk_end : State::done;
    return size;
}

std::size_t BodyReader::take_line(std::string_view input) {
    const std::size_t end = input.find("\r\n");
    if (end == std::string_view::npos) {
        if (input.size() > line_bytes_max) state_ = State::bad;
        return 0;
    }
    if (state_ == State::chunk_end) {
        state_ = end == 0 ? State::chunk_line : State::bad;
    } else if (state_ == State::trailer) {
        if (end == 0) state_ = State::done;
    } else {
        const auto parsed = std::from_chars(input.data(), input.data() + end, left_, 16);
        const bool whole = parsed.ptr == input.data() + end || *parsed.ptr == ';';
        state_ = left_ == 0 ? State::trailer : State::data;
        if (parsed.ec != std::errc{} || !whole) state_ = State::bad;
    }
    return end + 2;
}

}  // namespace poise::origin
