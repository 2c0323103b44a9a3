// The loop's events by io_uring, and what sockets do by it themselves.
#pragma once

#include "base/deadline_wheel.hpp"
#include "base/events.hpp"
#include "base/receive_blocks.hpp"
#include "base/spares.hpp"

#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <memory>
#include <span>
#include <sys/uio.h>
#include <vector>

namespace poise {

class SocketStream;

/// Everything that is asked for in a turn of the loop goes to the kernel in one call, which also
/// brings what has happened. A socket's receive is in the kernel while nothing has come, and takes
/// its memory from a common stock only when something does; so a waiting socket holds none.
/// Small sends are copied and go out together at the end of the turn; the kernel tells only of
/// those that the socket does not take.
///
/// An operation names a place in a table instead of an object, and the place's generation: what
/// comes back for an object that is gone finds nobody.
class Ring final : public Events {
public:
    /// Throws std::system_error when the kernel gives none.
    explicit Ring(Engine& engine);
    ~Ring() override;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    void begin() override;
    void end() override;
    void watch(Pollable& pollable, Direction watched) override;
    void move(Pollable& from, Pollable& to) override;
    void close(Pollable& pollable) noexcept override;
    Waited wait(std::chrono::nanoseconds limit) override;
    void sweep() override;
    Ring* ring() override { return this; }

    // For SocketStream. At most one of each kind is in flight for a socket.

    /// Gives a socket its place.
    void enter(SocketStream& socket);
    /// Asks for what comes next; answered by on_received. `repeated`: and for all that comes after
    /// it, until something else than bytes has come or it is cancelled. The kernel brings up to 32
    /// blocks at a time, of a socket that has so much.
    void receive(SocketStream& socket, bool repeated);
    /// Asks once for one of `events` (POLLIN and the like); answered by on_polled.
    void poll_once(SocketStream& socket, std::uint32_t events);
    /// The largest send; more is for the caller to send himself.
    static constexpr std::size_t send_bytes_max = 4096;
    /// Copies `bytes` (at most send_bytes_max) of `pieces`, which go out at the end of this turn.
    /// Nothing is told of it, but on_send_waits when the socket does not take all of them, and
    /// then on_sent. False: all memory for sends is in use.
    bool send(SocketStream& socket, std::span<const iovec> pieces, std::size_t bytes);
    /// Adds to what the socket sends in this turn already. False: there is nothing of it that has
    /// not gone out, or no room.
    bool append(SocketStream& socket, std::span<const iovec> pieces, std::size_t bytes);
    /// Half-closes the socket behind its last send, in the same segment if that has not gone out.
    /// False: no send is known to be on its way.
    bool end_behind_send(SocketStream& socket) noexcept;
    /// Counts the turns: a send of an earlier one is out, or on_send_waits was called.
    std::uint32_t turn() const { return turn_; }
    /// Ends this turn for sends: what is to be sent goes out now.
    void flush();
    void cancel_send(SocketStream& socket) noexcept;
    /// Asks for all events, edge-triggered, until the socket ends. For one whose peer has ended: a
    /// poll that is asked for once would tell of that each time.
    void watch(SocketStream& socket);
    void cancel_receive(SocketStream& socket) noexcept;
    void cancel_poll(SocketStream& socket) noexcept;

    ReceiveBlocks& blocks() { return *blocks_; }

private:
    enum class Kind : std::uint8_t { nothing, watch, receive, poll, send };
    static constexpr std::uint32_t no_place = UINT32_MAX;
    struct Place {
        Pollable* owner = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
        std::uint32_t watched_events = 0;  // 0: none; sockets ask for what they want
        std::uint32_t send = no_place;     // the last one, while that is not known to be out
    };
    struct Send;

    static constexpr std::size_t sends_max = 4096;

    std::uint64_t name(Kind kind, const Pollable& pollable) const;
    std::uint32_t take_place(Pollable& owner);
    io_uring_sqe& next_entry() noexcept;
    void queue_watch(const Pollable& pollable);
    void queue_cancel(std::uint64_t name) noexcept;
    void queue_close(int fd) noexcept;
    void submit() noexcept;
    bool is_here(const Send& send) const;  // the kernel does not have it yet
    void keep_for_end(Send& send) noexcept;
    int enable() noexcept;
    void hand_out_all();
    unsigned hand_out_some();
    void hand_out(const io_uring_cqe& completion);
    void on_received(SocketStream* socket, const io_uring_cqe& completion);
    void on_send_ended(Send& send, int result);
    void end_send(Send& send);
    io_uring_sqe& queue_send(Send& send, int flags);
    SocketStream* owner_of(const Send& send);
    Send* take_send();

    Engine& engine_;
    io_uring ring_{};
    std::unique_ptr<ReceiveBlocks> blocks_;
    std::uint32_t batch_ = 1;  // counts what went to the kernel together
    bool enabled_ = false;
    bool in_loop_ = false;
    std::vector<Place> places_;
    std::uint32_t free_place_ = no_place;
    std::vector<std::unique_ptr<Send>> sends_;
    std::vector<std::uint32_t> vacant_sends_;  // indices that have none
    Spares<std::uint32_t> free_sends_;
    std::vector<std::uint32_t> sends_of_turn_;
    bool ends_behind_send_ = false;  // in this turn
    std::size_t farewells_ = 0;      // sends behind which a descriptor is to be closed
    std::uint32_t turn_ = 1;
    unsigned handed_out_ = 0;  // the last time
};

}  // namespace poise
