#include "base/pollable.hpp"

#include "base/engine.hpp"

#include <cassert>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace poise {

namespace {

// What the engine is to tell of a descriptor of which `watched` is wanted.
std::uint32_t interest(Direction watched) {
    const auto bits = static_cast<std::uint8_t>(watched);
    std::uint32_t events = EPOLLRDHUP | EPOLLET;
    if ((bits & static_cast<std::uint8_t>(Direction::read)) != 0) events |= EPOLLIN;
    if ((bits & static_cast<std::uint8_t>(Direction::write)) != 0) events |= EPOLLOUT;
    return events;
}

}  // namespace

Pollable::Pollable(Engine& engine, int fd, Direction ready, Direction watched)
    : engine_(engine), fd_(fd), ready_(static_cast<std::uint8_t>(ready)) {
    assert(fd >= 0);
    epoll_event event{};
    event.events = interest(watched);
    event.data.ptr = this;
    // Fails only when memory or the user's watch limit runs out: an event is then never seen, so
    // let the caller's task end.
    if (epoll_ctl(engine.epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
        const int error = errno;
        ::close(fd);
        throw std::system_error(error, std::generic_category(), "epoll_ctl");
    }
}

Pollable::Pollable(Engine& engine) : engine_(engine), fd_(-1), ready_(0) {}

Pollable::Pollable(TakeOver, Pollable& other)
    : engine_(other.engine_),
      fd_(std::exchange(other.fd_, -1)),
      ready_(other.ready_),
      hung_up_(other.hung_up_),
      broken_(other.broken_) {
    assert(fd_ >= 0);
    assert(other.waiter_ == nullptr);
    epoll_event event{};
    event.events = interest(Direction::both);  // only streams are taken over
    event.data.ptr = this;
    // It is on the set and asks for nothing new: this cannot fail.
    [[maybe_unused]] const int done = epoll_ctl(engine_.epoll_fd_, EPOLL_CTL_MOD, fd_, &event);
    assert(done == 0);
}

Pollable::~Pollable() {
    if (fd_ >= 0) ::close(fd_);  // takes it off the epoll set, too
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
