// The waiting forms of what a session does rarely: connect, send an answer of ours, close gently.
// Child coroutines, awaited at once: their references live in the caller.
#pragma once

#include "base/address.hpp"
#include "base/stream.hpp"
#include "base/task.hpp"
#include "base/waiter.hpp"
#include "proxy/buffer.hpp"

#include <chrono>
#include <memory>
#include <string_view>

namespace poise::proxy {

struct Connected {
    std::unique_ptr<Stream> stream;  // null: failed
    int error = 0;                   // errno; ETIMEDOUT past the limit, ECANCELED
};

/// Connects within `limit`.
Task<Connected> connect_within(Waiter& waiter, const Address& to, std::chrono::milliseconds limit);

/// Writes all of `bytes`, waiting at most `limit` for each piece to be taken; false when it
/// cannot.
Task<bool> send_all(Waiter& waiter, Stream& stream, std::string_view bytes,
                    std::chrono::milliseconds limit);

/// Ends a connection whose peer may still be sending: says that no more comes from us and reads
/// what arrives for a bounded time and size, so that a reset does not destroy our last words.
Task<void> linger(Waiter& waiter, Stream& stream, BufferPool& buffers);

}  // namespace poise::proxy
