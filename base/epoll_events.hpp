// The loop's events by epoll.
#pragma once

#include "base/events.hpp"

namespace poise {

/// Descriptors are registered once, edge-triggered, for both directions: a request costs no
/// epoll_ctl.
class EpollEvents final : public Events {
public:
    EpollEvents();
    ~EpollEvents() override;
    EpollEvents(const EpollEvents&) = delete;
    EpollEvents& operator=(const EpollEvents&) = delete;

    void watch(Pollable& pollable, Direction watched) override;
    void move(Pollable& from, Pollable& to) override;
    void close(Pollable& pollable) noexcept override;
    Waited wait(std::chrono::nanoseconds limit) override;

private:
    int epoll_fd_;
};

}  // namespace poise
