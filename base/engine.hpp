// A worker's event loop: a thin loop over epoll or io_uring, under Boost.Asio's coroutines.
#pragma once

#include "base/deadline_wheel.hpp"
#include "base/events.hpp"
#include "base/pollable.hpp"
#include "base/task.hpp"
#include "base/waiter.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace poise {

/// One a worker thread. A turn of the loop first marks every stream that has an event,
/// then resumes the sleepers one by one; so a stream may be destroyed by any coroutine without an
/// event left that points to it. Each tick the deadline wheel is run, between two turns; at rest
/// the ticks that would find nothing are left out.
///
/// The loop runs inside io_context::run, so that Asio's coroutines dispatch at once and recycle
/// their frames. Asio's own objects (timers, resolvers) are looked at once a tick only: workers
/// do not use them; the control thread, which runs plain Asio, does.
class Engine {
public:
    using Clock = std::chrono::steady_clock;

    /// Throws std::system_error when the kernel gives no `kind` or no eventfd.
    explicit Engine(IoKind kind = IoKind::epoll);
    /// Asserts that no task runs: cancel_all() and run() on until running() is 0.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Runs until stop(). On the worker's thread.
    void run();
    /// Any thread.
    void stop();
    /// Runs `work` on the loop's thread, soon. Any thread. After run() has ended: never run.
    void post(std::function<void()> work);

    /// Starts `entry(args...)`. The coroutine owns its arguments: `entry` takes none by
    /// reference; a pointer says "outlives the engine's run". What it throws is handed to
    /// `on_exception`; it ends that task alone.
    template <typename... Params, typename... Args>
    void spawn(Task<void> (*entry)(Params...), Args&&... args) {
        static_assert((!std::is_reference_v<Params> && ...), "take the arguments by value");
        start(entry(std::forward<Args>(args)...));
    }
    std::size_t running() const { return running_; }

    /// Every sleeper wakes with `cancelled`, and so does each that comes later. run() returns
    /// when the last task has ended and the last waiter is gone.
    void cancel_all();

    /// Every sleeper wakes with `ready` and looks at the world again. For rare changes that
    /// concern all, such as a drain.
    void wake_all();

    /// `entry` expires `limit` (> 0) from now, unless it is set again before. For what has a time
    /// limit and no coroutine of its own.
    void expires_after(DeadlineWheel::Entry& entry, std::chrono::milliseconds limit) {
        if (at_rest_) catch_up();
        wheel_.set(entry, limit);
    }
    /// It expires so much later (or earlier) than was said. It has not expired yet.
    void expires_later(DeadlineWheel::Entry& entry, std::chrono::milliseconds by) {
        wheel_.change(entry, by);
    }

    /// Call it now and then: gives memory back that has not been needed for a while.
    void sweep() { events_->sweep(); }

    /// The time at the start of this turn of the loop: cheap, good to a few milliseconds.
    Clock::time_point now() const { return now_; }

    /// This thread has had no time to spare for the last some milliseconds.
    bool saturated() const { return saturated_; }

    /// Nothing has come for a tick at least: the loop wakes only when something is due, and once a
    /// second.
    bool at_rest() const { return at_rest_; }

    std::function<void(const std::string& what)> on_exception;
    /// Something has come. On the loop's thread, before who waited for it is resumed.
    std::function<void()> on_end_of_rest;

    Events& events() { return *events_; }  // for Pollables

private:
    friend class Waiter;
    template <typename Tag>
    using WaiterList =
        boost::intrusive::list<Waiter,
                               boost::intrusive::base_hook<boost::intrusive::list_base_hook<
                                   boost::intrusive::tag<Tag>,
                                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>>>,
                               boost::intrusive::constant_time_size<false>>;

    void run_soon();
    void run_until_tick();
    void turn();
    void wait_for_events();
    void catch_up();
    void end_rest();
    void note_idle(Clock::duration idle);
    void run_posted();
    void run_ready();
    void start(Task<void> task);

    boost::asio::io_context io_{1};
    bool stopped_ = false;
    bool cancelled_ = false;
    bool have_posted_ = false;
    std::size_t running_ = 0;
    Clock::time_point now_;
    Clock::time_point next_tick_;
    Clock::time_point load_since_;  // since when idle_ is added up
    Clock::duration idle_{};
    bool saturated_ = false;
    bool had_events_ = true;  // since the last tick
    bool at_rest_ = false;
    DeadlineWheel wheel_;
    WaiterList<ReadyTag> ready_;
    WaiterList<AllTag> waiters_;

    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;

    class Bell;
    std::unique_ptr<Events> events_;
    std::unique_ptr<Bell> bell_;
};

}  // namespace poise
