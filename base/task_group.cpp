#include "base/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <cstdio>
#include <exception>

namespace poise {

namespace asio = boost::asio;

namespace {

// fprintf stands in for base/log here.
void log_escaped(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) return;  // cancelled, as asked
        std::fprintf(stderr, "task ended by error: %s\n", e.what());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "task ended by exception: %s\n", e.what());
    }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor) : executor_(executor), emptied_(executor) {}

TaskGroup::~TaskGroup() {
    assert(running_.empty());
}

void TaskGroup::start(Task<void> task) {
    const auto self = running_.emplace(running_.end());
    auto ended = [this, self](const std::exception_ptr& thrown) {
        running_.erase(self);
        if (running_.empty()) emptied_.cancel();
        if (thrown) log_escaped(thrown);
    };
    asio::co_spawn(executor_, std::move(task),
                   asio::bind_cancellation_slot(self->slot(), std::move(ended)));
}

void TaskGroup::cancel() {
    for (auto next = running_.begin(); next != running_.end();) {
        auto& signal = *next++;  // step first: a task may end at once and leave the list
        signal.emit(asio::cancellation_type::terminal);
    }
}

Task<bool> TaskGroup::wait(std::chrono::milliseconds limit) {
    if (!running_.empty()) {
        emptied_.expires_after(limit);
        co_await emptied_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return running_.empty();
}

}  // namespace poise
