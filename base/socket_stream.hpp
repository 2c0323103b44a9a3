// A connected socket: how its bytes come and go, by either of the loop's ways.
#pragma once

#include "base/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/uio.h>

namespace poise {

class Ring;

/// What TCP and TLS have in common. By epoll the calls are made here; by a ring what came first is
/// here already when the stream becomes readable, and small writes go out at the end of the turn.
class SocketStream : public Stream {
public:
    /// Takes `fd`, a connected or connecting non-blocking socket. `ready` as in Pollable.
    SocketStream(Engine& engine, int fd, Direction ready);
    SocketStream(TakeOver, SocketStream& other);
    ~SocketStream() override;

protected:
    /// Reads what is there, at most `into`. `emptied`: the socket has nothing more now.
    IoResult receive(std::span<char> into, bool& emptied);
    /// Writes what the peer takes. What it has taken may be on its way still: a failure of that
    /// shows at the next write.
    IoResult transmit(std::span<const iovec> pieces);
    /// The same through a pipe. Io::ok does not tell whether there is more.
    IoResult receive(Pipe& pipe, std::size_t bytes_max);
    IoResult transmit(Pipe& pipe);
    /// Nothing has come that was not read. Asks the kernel when that is not known.
    bool nothing_came();
    /// What comes next is heard of from now on, whoever waits for it.
    void keep_listening();
    void send_end() noexcept;  // half-close, behind what was written
    void reset_at_close() noexcept;

private:
    friend class Ring;
    void on_received(int result, std::uint16_t block, bool more, bool goes_on);
    void on_polled(int events);
    void on_send_waits();
    void on_sent(int error);
    void before_wait(std::uint8_t wanted) override;

    IoResult receive_now(std::span<char> into, bool& emptied);
    IoResult transmit_now(std::span<const iovec> pieces);
    bool must_wait_to_write();
    std::size_t take_received(std::span<char> into);
    void add_received(std::uint16_t block, std::uint16_t bytes);
    void use_up(std::size_t bytes) noexcept;
    void drop_received() noexcept;
    void note_failed(int error);

    Ring* ring_;  // null: epoll
    // Of the ring alone.
    std::uint16_t block_ = 0;  // holds what has come, from received_at_ on
    std::uint16_t received_at_ = 0;
    std::uint16_t received_ = 0;  // bytes in it; then come the blocks behind it, to
    std::uint16_t last_block_ = 0;
    std::uint16_t polling_ = 0;        // a poll for these events is in flight
    std::uint16_t error_ = 0;          // an errno: what ended the connection
    std::uint16_t write_error_ = 0;    // an errno: why nothing more can be written
    std::uint32_t sent_in_turn_ = 0;   // the ring's turn in which the last send was asked for
    std::uint8_t small_ones_ : 4 = 0;  // receives in a row that brought all there was
    bool receiving_ : 1 = false;       // a receive is in flight
    bool ending_receive_ : 1 = false;  // which is cancelled
    bool sending_ : 1 = false;         // a send waits for the peer
    bool more_ : 1 = false;            // the kernel has more, or may have
    bool ended_ : 1 = false;           // the peer sends no more
    bool bypassed_ : 1 = false;        // bytes go through a pipe: no receive, or it would get them
};

}  // namespace poise
