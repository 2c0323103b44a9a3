// How a worker's loop hears of its descriptors: by epoll or by io_uring.
#pragma once

#include "base/pollable.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace poise {

class Engine;
class Ring;

/// The kernel's ways of telling what has happened to many descriptors.
enum class IoKind : std::uint8_t { epoll, io_uring };

const char* to_string(IoKind kind);  // "io_uring"

/// Why this process cannot use io_uring, for people; empty: it can. Asks the kernel.
std::string io_uring_unavailable();

/// One a loop, on the loop's thread. What it hears it writes into the Pollables, which wake who
/// waits for them; it resumes nobody. Descriptors are watched edge-triggered.
class Events {
public:
    /// Throws std::system_error when the kernel gives no such thing.
    static std::unique_ptr<Events> make(IoKind kind, Engine& engine);
    virtual ~Events() = default;

    /// The calling thread is the loop's, until end().
    virtual void begin() {}
    virtual void end() {}

    /// Starts to watch a new one's descriptor; throws std::system_error when memory or the user's
    /// limit runs out.
    virtual void watch(Pollable& pollable, Direction watched) = 0;
    /// `to` takes the place of `from`, and has its descriptor already.
    virtual void move(Pollable& from, Pollable& to) = 0;
    /// Closes the descriptor. Nothing more is heard of it.
    virtual void close(Pollable& pollable) noexcept = 0;

    struct Waited {
        std::chrono::nanoseconds idle{};  // so long there was nothing to do
        bool heard = false;               // something has happened
    };
    /// Waits until something has happened, `limit` (0: not at all) at most, and hands it out.
    virtual Waited wait(std::chrono::nanoseconds limit) = 0;

    /// Call it now and then: gives memory back that has not been needed for a while.
    virtual void sweep() {}

    /// By which sockets read and write themselves; null: they make calls, when they are ready.
    virtual Ring* ring() { return nullptr; }
};

}  // namespace poise
