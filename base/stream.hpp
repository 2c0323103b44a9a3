// A byte stream to a client or to a real server: plain TCP in tcp_stream, TLS in tls/.
#pragma once

#include "base/address.hpp"
#include "base/io_result.hpp"
#include "base/pipe.hpp"
#include "base/pollable.hpp"

#include <cstddef>
#include <span>
#include <sys/uio.h>

namespace poise {

/// Never blocks and never suspends: a session moves what can be moved, then waits for all its
/// streams at once through its Waiter. Belongs to one worker thread.
class Stream : public Pollable {
public:
    using Pollable::Pollable;

    /// Reads what is there, at most `into`. A short read means that there is no more now.
    virtual IoResult try_read(std::span<char> into) = 0;

    /// Writes what the peer takes of `pieces`, in order.
    virtual IoResult try_write(std::span<const iovec> pieces) = 0;

    /// Carries one message each way, with its head as fields: a proxy::MessageStream.
    virtual bool carries_message() const { return false; }

    /// Whether the two calls below may be made. A stream that changes the bytes cannot.
    virtual bool splices() const { return false; }
    /// Moves what is there into `pipe`, which is empty, without a copy; at most `bytes_max`.
    /// A short move does not mean that there is no more.
    virtual IoResult try_read(Pipe& pipe, std::size_t bytes_max);
    /// Moves what the peer takes out of `pipe`, which is not empty.
    virtual IoResult try_write(Pipe& pipe);

    /// Nothing has come and the peer has not closed: fit for the next request. Asks the kernel
    /// only when the last read did not show it.
    virtual bool quiet() = 0;

    virtual void shutdown_send() noexcept = 0;   // half-close; the peer may still send
    virtual void reset_on_close() noexcept = 0;  // closing sends RST: the peer sees a cut

    const Address& peer() const { return peer_; }  // the remote end
    void set_peer(const Address& peer) { peer_ = peer; }

private:
    Address peer_;
};

}  // namespace poise
