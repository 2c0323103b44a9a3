// What a non-blocking read or write came to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace poise {

enum class Io : std::uint8_t {
    ok,           // `bytes` moved, at least one
    would_block,  // nothing now; wait for the stream
    end,          // the peer has said that it sends no more (reads only)
    failed,       // `error` says why; the stream is of no more use
};

struct IoResult {
    Io state = Io::ok;
    int error = 0;          // errno, with `failed`
    std::size_t bytes = 0;  // moved before the state; may be above 0 with every state

    bool ok() const { return state == Io::ok; }
};

}  // namespace poise
