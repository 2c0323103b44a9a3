#include "base/engine.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <exception>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace poise {

namespace asio = boost::asio;

namespace {

constexpr int events_a_turn = 256;
constexpr std::chrono::milliseconds load_window{10};
constexpr int idle_share = 5;  // idle for less than one part in so many is saturated

int checked(int fd, const char* call) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), call);
    return fd;
}

}  // namespace

Engine::Engine()
    : epoll_fd_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      event_fd_(checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      now_(Clock::now()),
      next_tick_(now_ + DeadlineWheel::tick_length),
      load_since_(now_),
      wheel_(now_) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;  // stands for event_fd_
    checked(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, event_fd_, &event), "epoll_ctl");
}

Engine::~Engine() {
    assert(running_ == 0);
    assert(waiters_.empty());
    ::close(event_fd_);
    ::close(epoll_fd_);
}

void Engine::run() {
    stopped_ = false;
    io_.restart();
    run_soon();
    io_.run();
}

void Engine::stop() {
    post([this] { stopped_ = true; });
}

void Engine::post(std::function<void()> work) {
    bool first = false;
    {
        const std::lock_guard lock(posted_mutex_);
        first = posted_.empty();
        posted_.push_back(std::move(work));
    }
    if (!first) return;  // the loop has been told already
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
}

void Engine::cancel_all() {
    cancelled_ = true;
    for (auto next = waiters_.begin(); next != waiters_.end();) {
        auto& waiter = *next++;
        waiter.cancel();
    }
}

void Engine::wake_all() {
    for (auto next = waiters_.begin(); next != waiters_.end();) {
        auto& waiter = *next++;
        waiter.wake();
    }
}

void Engine::run_soon() {
    asio::post(io_, [this] { run_until_tick(); });
}

// Asio counts the work that its handlers make only when they return: a poll() from within one
// miscounts, and the io_context stops for good after a while. So it gets its turn between two of
// these, for what co_spawn posts when a task ends without ever having slept.
void Engine::run_until_tick() {
    do {
        if (stopped_ || (cancelled_ && running_ == 0 && waiters_.empty())) return;
        turn();
    } while (now_ < next_tick_);
    wheel_.tick(now_);
    next_tick_ = now_ + DeadlineWheel::tick_length;
    run_soon();
}

void Engine::turn() {
    wait_for_events();
    if (have_posted_) run_posted();
    run_ready();
}

void Engine::wait_for_events() {
    std::array<epoll_event, events_a_turn> events;
    int timeout_ms = 0;
    auto waits_since = now_;
    if (ready_.empty()) {
        waits_since = Clock::now();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick_ - waits_since);
        timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 100));
    }
    const int n = epoll_wait(epoll_fd_, events.data(), events_a_turn, timeout_ms);
    now_ = Clock::now();
    note_idle(timeout_ms != 0 ? now_ - waits_since : Clock::duration{});
    for (int i = 0; i < n; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr)
            take_posted_mark();
        else
            static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
    }
}

void Engine::note_idle(Clock::duration idle) {
    idle_ += idle;
    const auto passed = now_ - load_since_;
    if (passed < load_window) return;
    saturated_ = idle_ * idle_share < passed;
    load_since_ = now_;
    idle_ = {};
}

// Posted work may destroy streams that have an event in the same batch, so it is only marked
// here, and run when all events have been handed out.
void Engine::take_posted_mark() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_fd_, &count, sizeof count);
    have_posted_ = true;
}

void Engine::run_posted() {
    have_posted_ = false;
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(posted_mutex_);
        work.swap(posted_);
    }
    for (auto& one : work)
        one();
}

void Engine::run_ready() {
    // Only those that are ready now: what they wake runs in the next turn, after new events.
    WaiterList<ReadyTag> batch;
    batch.splice(batch.end(), ready_);
    while (!batch.empty()) {
        Waiter& waiter = batch.front();
        batch.pop_front();
        waiter.resume();
    }
}

void Engine::start(Task<void> task) {
    ++running_;
    asio::co_spawn(io_, std::move(task), [this](const std::exception_ptr& thrown) {
        --running_;
        if (!thrown || !on_exception) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            on_exception(e.what());
        } catch (...) {
            on_exception("unknown exception");
        }
    });
}

}  // namespace poise
