// What a ring knows of bytes on their way out, and how its operations are named.
#pragma once

#include "base/deadline_wheel.hpp"
#include "base/ring.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace poise {

/// Kind: 8 bits, place: 24, generation: 32. A send has its own index in place of the place.
inline constexpr unsigned kind_shift = 56, place_shift = 32;
inline constexpr std::uint32_t places_max = 1U << 24U;

/// Bytes on their way out. Outlives the socket's object when that ends first, and then closes the
/// descriptor.
struct Ring::Send final : DeadlineWheel::Entry {
    /// What a connection that we have closed may take for its last bytes.
    static constexpr std::chrono::seconds farewell_limit{30};

    Send(Ring& to, std::uint32_t at) : ring(to), index(at) {}
    std::uint64_t name() const {
        return static_cast<std::uint64_t>(Kind::send) << kind_shift |
               static_cast<std::uint64_t>(index) << place_shift;
    }

    Ring& ring;
    std::uint32_t index;
    std::uint32_t place = no_place;
    std::uint32_t generation = 0;
    std::size_t begin = 0, end = 0;  // of what is not out yet
    int fd = -1;
    io_uring_sqe* entry = nullptr;  // the kernel does not have it yet while `batch` is the ring's
    std::uint32_t batch = 0;
    bool in_turn = false;  // of the turn that runs, with which it ends
    bool waits = false;    // the socket was full: it goes on when that is not
    bool ends = false;     // half-closes afterwards
    bool closes = false;   // the descriptor, afterwards
    std::array<char, send_bytes_max> data;

private:
    void on_expiry() override { ring.queue_cancel(name()); }
};

}  // namespace poise
