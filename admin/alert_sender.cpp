#include "admin/alert_sender.hpp"

#include "base/signals_blocked.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <pthread.h>
#include <utility>

namespace poise::admin {

AlertSender::AlertSender(std::string name, Send send, Log& log, AlertRetries retries)
    : name_(std::move(name)), send_(std::move(send)), log_(log), retries_(retries) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

AlertSender::~AlertSender() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void AlertSender::push(AlertMessage message) {
    {
        const std::lock_guard lock(mutex_);
        if (queue_.size() >= queue_max) {
            queue_.pop_front();
            ++counts_.dropped;
        }
        queue_.push_back(std::move(message));
    }
    changed_.notify_all();
}

AlertSender::Counts AlertSender::counts() const {
    const std::lock_guard lock(mutex_);
    Counts counts = counts_;
    counts.waiting += queue_.size();
    return counts;
}

void AlertSender::run() {
    ::pthread_setname_np(::pthread_self(), "poise-alerts");
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const AlertMessage message = std::move(queue_.front());
        queue_.pop_front();
        counts_.waiting = 1;
        lock.unlock();
        deliver(message);
        lock.lock();
        counts_.waiting = 0;
    }
}

void AlertSender::deliver(const AlertMessage& message) {
    std::chrono::milliseconds pause = retries_.first_wait;
    for (unsigned tries = 1; !stopping_; ++tries) {
        const SendResult result = send_(message, stopping_);
        if (stopping_ && !result.error.empty()) return;
        const bool gives_up = result.permanent || tries >= retries_.tries_max;
        note(result, gives_up);
        if (result.error.empty() || gives_up || !wait(pause)) return;
        pause = std::min(pause * 2, retries_.longest_wait);
    }
}

void AlertSender::note(const SendResult& result, bool gives_up) {
    const bool failed = !result.error.empty();
    bool was_failing = false;
    {
        const std::lock_guard lock(mutex_);
        was_failing = !counts_.error.empty();
        counts_.error = result.error;
        counts_.sent += failed ? 0 : 1;
        counts_.failed_tries += failed ? 1 : 0;
        counts_.dropped += failed && gives_up ? 1 : 0;
    }
    if (failed && gives_up)
        log_.error(fmt::format("alerts: {}: a message is given up: {}", name_, result.error));
    else if (failed && !was_failing)
        log_.warn(fmt::format("alerts: {}: {}; it is tried again", name_, result.error));
    else if (!failed && was_failing)
        log_.info(fmt::format("alerts: {}: messages are taken again", name_));
}

bool AlertSender::wait(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, pause, [this] { return stopping_.load(); });
}

}  // namespace poise::admin
