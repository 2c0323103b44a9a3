// Every coroutine that runs by itself belongs to a TaskGroup, which can stop it and wait for it.
// The only other co_spawn in the project is in Engine::spawn.
#pragma once

#include "base/task.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <type_traits>
#include <utility>

namespace poise {

/// Belongs to one worker thread. What a task throws is logged; it ends that task alone.
class TaskGroup {
public:
    explicit TaskGroup(boost::asio::any_io_executor executor);
    ~TaskGroup();  // asserts that nothing runs: cancel() and wait() first
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Starts `entry(args...)`. The coroutine owns its arguments: `entry` takes none by
    /// reference. A pointer parameter says: what it points to outlives the group.
    template <typename... Params, typename... Args>
    void spawn(Task<void> (*entry)(Params...), Args&&... args) {
        static_assert((!std::is_reference_v<Params> && ...), "take the arguments by value");
        start(entry(std::forward<Args>(args)...));
    }

    void cancel();                                     // asks every task to end soon
    Task<bool> wait(std::chrono::milliseconds limit);  // true when all have ended within `limit`
    std::size_t running() const { return running_.size(); }

private:
    void start(Task<void> task);

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer emptied_;  // cancelled when the last task ends
    std::list<boost::asio::cancellation_signal> running_;
};

}  // namespace poise
