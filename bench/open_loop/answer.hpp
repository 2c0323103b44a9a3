// An answer of HTTP/1.1, as far as a measurement must understand it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poise::open_loop {

/// Takes the bytes of one answer as they come. It must have a Content-Length.
class Answer {
public:
    enum class State : std::uint8_t { more, good, failed, broken };  // failed: status not 2xx

    void start();
    State take(std::string_view bytes);
    /// Whether the server said that it closes the connection.
    bool closes() const { return closes_; }

private:
    bool read_head();

    std::string head_;
    std::uint64_t body_left_ = 0;
    bool in_body_ = false, ok_ = false, closes_ = false;
};

}  // namespace poise::open_loop
