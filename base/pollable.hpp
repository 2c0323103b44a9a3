// A descriptor that the engine watches, and what it knows of its readiness.
#pragma once

#include <cstdint>

namespace poise {

class Engine;
class Waiter;

enum class Direction : std::uint8_t {
    none = 0,  // only that the connection has broken
    read = 1,
    write = 2,
    both = 3
};

/// Owns a non-blocking descriptor, or stands for a part of a connection whose owner tells what is
/// ready. Belongs to one worker thread. Readiness is kept as flags: an
/// event sets them, a call that would block clears them. So no event is lost between two waits,
/// and a read that is known to find nothing is not tried.
class Pollable {
public:
    /// Takes `fd` (closed at destruction) and registers it with `engine`, which outlives this.
    /// `ready` says which directions to try before the first event, `watched` of which ones events
    /// are wanted at all: a datagram socket has one for each datagram that has left its buffer.
    Pollable(Engine& engine, int fd, Direction ready, Direction watched = Direction::both);
    /// Takes over the descriptor of `other`, with what is known of its readiness. Nobody may want
    /// anything of `other`, which is fit for nothing but its end.
    struct TakeOver {};
    Pollable(TakeOver, Pollable& other);
    virtual ~Pollable();
    Pollable(const Pollable&) = delete;
    Pollable& operator=(const Pollable&) = delete;

    /// Wakes `waiter` when `direction` is (or is already) ready, or the connection breaks.
    /// Replaces what was wanted before; is over after one wake. `waiter` must outlive this or be
    /// let go by `want_nothing`.
    void want(Waiter& waiter, Direction direction);
    void want_nothing() { waiter_ = nullptr; }

    bool readable() const { return (ready_ & read_bit) != 0; }
    bool writable() const { return (ready_ & write_bit) != 0; }
    /// The peer has closed its side or reset the connection: seen by the kernel's events, read
    /// or not.
    bool hung_up() const { return hung_up_; }
    /// Both directions are dead: reset, or closed by both sides.
    bool broken() const { return broken_; }

    int fd() const { return fd_; }  // -1: there is none
    Engine& engine() const { return engine_; }

protected:
    /// Without a descriptor: ready is what its owner tells, and nothing at first.
    explicit Pollable(Engine& engine);
    /// A descriptor that a derived class watches itself.
    struct Unwatched {};
    Pollable(Unwatched, Engine& engine, int fd, Direction ready);
    /// `ready` may be tried from now on.
    void tell(Direction ready);
    /// Nothing more can be read or written.
    void tell_broken();

    static constexpr std::uint8_t read_bit = 1, write_bit = 2;
    void may_read() { ready_ |= read_bit; }
    void not_readable() { ready_ &= static_cast<std::uint8_t>(~read_bit); }
    void not_writable() { ready_ &= static_cast<std::uint8_t>(~write_bit); }
    /// The socket's own error, such as an ICMP message, has been read and is over.
    void not_broken() { broken_ = hung_up_ = false; }
    void note_hung_up() { hung_up_ = true; }
    /// Somebody waits, for what is not ready: calls before_wait once more.
    void ask_again();
    void on_events(std::uint32_t events);  // as of poll(2)

private:
    friend class EpollEvents;
    friend class Ring;
    /// Somebody is about to wait for `wanted`, which is not ready.
    virtual void before_wait(std::uint8_t wanted);
    /// Events have come and the flags tell which. Must not destroy any Pollable: others of the
    /// same turn may be still to come.
    virtual void on_ready();

    Engine& engine_;
    Waiter* waiter_ = nullptr;
    int fd_;
    std::uint32_t place_ = UINT32_MAX;  // the ring's
    std::uint8_t ready_;
    std::uint8_t wanted_ = 0;
    bool hung_up_ = false;
    bool broken_ = false;
};

}  // namespace poise
