#include "base/engine.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace poise {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds load_window{10};
constexpr int idle_share = 5;  // idle for less than one part in so many is saturated
constexpr std::int64_t resting_ticks_max = 10;

int open_bell() {
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    return fd;
}

}  // namespace

// By which other threads wake the loop.
class Engine::Bell final : public Pollable {
public:
    explicit Bell(Engine& engine)
        : Pollable(engine, open_bell(), Direction::none, Direction::read) {}

    void ring() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(fd(), &one, sizeof one);
    }

private:
    // Posted work may destroy streams that have an event in the same batch, so it is only marked
    // here, and run when all events have been handed out.
    void on_ready() override {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(fd(), &count, sizeof count);
        not_readable();
        engine().have_posted_ = true;
    }
};

Engine::Engine(IoKind kind)
    : now_(Clock::now()),
      load_since_(now_),
      wheel_(now_),
      events_(Events::make(kind, *this)),
      bell_(std::make_unique<Bell>(*this)) {}

Engine::~Engine() {
    assert(running_ == 0);
    assert(waiters_.empty());
}

void Engine::run() {
    stopped_ = false;
    io_.restart();
    events_->begin();
    run_soon();
    io_.run();
    events_->end();
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
    bell_->ring();
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
    const bool may_rest = at_rest_ && ready_.empty() && !have_posted_;
    next_tick_ = now_ + DeadlineWheel::tick_length *
                            (may_rest ? wheel_.ticks_to_next(resting_ticks_max) : 1);
    do {
        if (stopped_ || (cancelled_ && running_ == 0 && waiters_.empty())) return;
        turn();
    } while (now_ < next_tick_);
    wheel_.tick(now_);
    at_rest_ = !had_events_ && !cancelled_;
    had_events_ = false;
    run_soon();
}

void Engine::turn() {
    wait_for_events();
    if (have_posted_) run_posted();
    run_ready();
}

void Engine::wait_for_events() {
    Clock::duration limit{};
    if (ready_.empty() && !have_posted_)
        limit = std::max<Clock::duration>(next_tick_ - Clock::now(), Clock::duration{});
    const auto [idle, heard] = events_->wait(limit);
    now_ = Clock::now();
    note_idle(idle);
    if (!heard) return;
    had_events_ = true;
    if (at_rest_) end_rest();
}

void Engine::end_rest() {
    at_rest_ = false;
    wheel_.pass(now_);
    next_tick_ = std::min(next_tick_, now_ + DeadlineWheel::tick_length);
    if (on_end_of_rest) on_end_of_rest();
}

// The last tick is long ago, and events are handed out while the loop waits: limits that they set
// count from now.
void Engine::catch_up() {
    now_ = Clock::now();
    wheel_.pass(now_);
}

void Engine::note_idle(Clock::duration idle) {
    idle_ += idle;
    const auto passed = now_ - load_since_;
    if (passed < load_window) return;
    saturated_ = idle_ * idle_share < passed;
    load_since_ = now_;
    idle_ = {};
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
