// Reads a chunked body (RFC 9112 section 7.1) strictly, a piece at a time.
#pragma once

#include "proxy/refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poise::proxy {

/// RFC 9110 section 6.5.1: what decides framing, routing, identity or the content's form is of no
/// use, or of evil use, behind the body.
bool is_forbidden_in_trailer(std::string_view name);

/// Holds no body bytes: each call consumes framing and hands out views of payload. Sizes with
/// signs, 0x, underscores, white space or overflow, bare LF, long extensions and framing fields
/// in trailers are refused. One object a body; trivially small while idle.
class ChunkedReader {
public:
    static constexpr std::size_t line_bytes_max = 1'024;      // size, extensions
    static constexpr std::size_t trailer_bytes_max = 16'384;  // all trailers together
    static constexpr std::uint64_t size_max = std::uint64_t{1} << 60;

    struct Step {
        std::size_t consumed = 0;        // bytes of the input that are dealt with, payload included
        std::string_view payload;        // a part of the input; may be empty
        std::optional<Refusal> refusal;  // offset counts from the start of the body
        bool ended = false;              // the body and its trailers are whole
    };

    /// Looks at `input` from its start; call again with what was not consumed until it consumes
    /// nothing (needs more) or ends.
    Step next(std::string_view input);

    /// The payload bytes that the current chunk still lacks; 0 before its size line is whole.
    std::uint64_t left_in_chunk() const { return state_ == State::payload ? left_ : 0; }

    /// Says that `n` payload bytes of the current chunk, at most left_in_chunk(), went another
    /// way (splice) and will not be given to next().
    void skip(std::uint64_t n);

    /// The trailer section as received ("Name: value\r\n"...), checked; empty when there is none.
    const std::string& trailers() const { return trailers_; }

private:
    enum class State : std::uint8_t {
        size,
        extension,
        size_lf,
        payload,
        payload_cr,
        payload_lf,
        trailer,
        ended,
        refused
    };

    void read_framing_byte(char c);
    void read_size_byte(char c);
    void read_extension_byte(char c);
    void end_size_line();
    std::size_t read_trailers(std::string_view input);
    void end_trailer_line();
    void refuse(Reason reason, std::uint64_t offset);

    State state_ = State::size;
    Reason reason_ = Reason::none;  // with State::refused
    std::uint64_t left_ = 0;
    std::uint64_t offset_ = 0;       // of the body; where, with State::refused
    std::uint64_t trailers_at_ = 0;  // the offset where the trailer section starts
    std::uint32_t line_bytes_ = 0;   // of the current size line
    std::uint32_t digits_ = 0;       // of the current size
    std::uint32_t line_at_ = 0;      // where the current trailer starts in trailers_
    std::string trailers_;
};

}  // namespace poise::proxy
