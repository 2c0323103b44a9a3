#include "base/epoll_events.hpp"

#include <array>
#include <cassert>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>

namespace poise {

namespace {

constexpr int events_a_turn = 256;

// What the kernel is to tell of a descriptor of which `watched` is wanted.
epoll_event interest(Pollable& pollable, Direction watched) {
    const auto bits = static_cast<std::uint8_t>(watched);
    epoll_event event{};
    event.events = EPOLLRDHUP | EPOLLET;
    if ((bits & static_cast<std::uint8_t>(Direction::read)) != 0) event.events |= EPOLLIN;
    if ((bits & static_cast<std::uint8_t>(Direction::write)) != 0) event.events |= EPOLLOUT;
    event.data.ptr = &pollable;
    return event;
}

}  // namespace

EpollEvents::EpollEvents() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_fd_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

EpollEvents::~EpollEvents() {
    ::close(epoll_fd_);
}

void EpollEvents::watch(Pollable& pollable, Direction watched) {
    auto event = interest(pollable, watched);
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, pollable.fd(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void EpollEvents::move(Pollable&, Pollable& to) {
    auto event = interest(to, Direction::both);  // only streams are taken over
    // It is on the set and asks for nothing new: this cannot fail.
    [[maybe_unused]] const int done = epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, to.fd(), &event);
    assert(done == 0);
}

void EpollEvents::close(Pollable& pollable) noexcept {
    ::close(pollable.fd());  // takes it off the set, too
}

Events::Waited EpollEvents::wait(std::chrono::nanoseconds limit) {
    using Clock = std::chrono::steady_clock;
    std::array<epoll_event, events_a_turn> events;
    const auto limit_ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    const auto since = limit_ms > 0 ? Clock::now() : Clock::time_point{};
    const int n = epoll_wait(epoll_fd_, events.data(), events_a_turn, static_cast<int>(limit_ms));
    const auto idle = limit_ms > 0 ? Clock::now() - since : Clock::duration{};
    for (int i = 0; i < n; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
    }
    return {idle, n > 0};
}

}  // namespace poise
