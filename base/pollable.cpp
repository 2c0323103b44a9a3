#include "base/pollable.hpp"

#include "base/engine.hpp"
#include "base/events.hpp"

#include <cassert>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace poise {

Pollable::Pollable(Engine& engine, int fd, Direction ready, Direction watched)
    : engine_(engine), fd_(fd), ready_(static_cast<std::uint8_t>(ready)) {
    assert(fd >= 0);
    // Fails only when memory or the user's watch limit runs out: an event is then never seen, so
    // let the caller's task end.
    try {
        engine.events().watch(*this, watched);
    } catch (...) {
        ::close(fd);
        throw;
    }
}

Pollable::Pollable(Engine& engine) : engine_(engine), fd_(-1), ready_(0) {}

Pollable::Pollable(Unwatched, Engine& engine, int fd, Direction ready)
    : engine_(engine), fd_(fd), ready_(static_cast<std::uint8_t>(ready)) {
    assert(fd >= 0);
}

Pollable::Pollable(TakeOver, Pollable& other)
    : engine_(other.engine_),
      fd_(std::exchange(other.fd_, -1)),
      ready_(other.ready_),
      hung_up_(other.hung_up_),
      broken_(other.broken_) {
    assert(fd_ >= 0);
    assert(other.waiter_ == nullptr);
    engine_.events().move(other, *this);
}

Pollable::~Pollable() {
    if (fd_ >= 0) engine_.events().close(*this);
}

void Pollable::tell(Direction ready) {
    ready_ |= static_cast<std::uint8_t>(ready);
    on_ready();
}

void Pollable::tell_broken() {
    ready_ = read_bit | write_bit;
    hung_up_ = broken_ = true;
    on_ready();
}

void Pollable::want(Waiter& waiter, Direction direction) {
    const auto bits = static_cast<std::uint8_t>(direction);
    if ((ready_ & bits) != 0 || broken_) {
        want_nothing();
        waiter.wake();
        return;
    }
    waiter_ = &waiter;
    wanted_ = bits;
    before_wait(bits);
}

void Pollable::before_wait(std::uint8_t) {}

void Pollable::ask_again() {
    if (waiter_ != nullptr) before_wait(wanted_);
}

void Pollable::on_events(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ready_ |= read_bit;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) ready_ |= write_bit;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken_ = true;
    on_ready();
}

void Pollable::on_ready() {
    if (waiter_ != nullptr && ((ready_ & wanted_) != 0 || broken_)) {
        std::exchange(waiter_, nullptr)->wake();
        wanted_ = 0;
    }
}

}  // namespace poise
