// A request body, counted and hashed as it streams by; never held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poise::origin {

class BodyReader {
public:
    void start(bool chunked, std::uint64_t content_length);

    /// Takes what it can from `input`; returns the bytes taken. A chunk line that is not whole
    /// stays for the next call.
    std::size_t take(std::string_view input);

    bool done() const { return state_ == State::done; }
    bool bad() const { return state_ == State::bad; }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t hash() const { return hash_; }  // FNV-1a, 64 bits

private:
    enum class State { data, chunk_line, chunk_end, trailer, done, bad };

    std::size_t take_data(std::string_view input);
    std::size_t take_line(std::string_view input);

    State state_ = State::done;
    bool chunked_ = false;
    std::uint64_t left_ = 0;  // bytes of the body or of the chunk that are still to come
    std::uint64_t bytes_ = 0;
    std::uint64_t hash_ = 0;
};

}  // namespace poise::origin
