// Brings messages to one place, on a thread of its own: a mail server that hangs holds up nobody.
#pragma once

#include "admin/alert.hpp"
#include "admin/alert_transport.hpp"
#include "base/log.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace poise::admin {

/// How often a message is tried again, and how long that takes to grow.
struct AlertRetries {
    std::chrono::milliseconds first_wait{2'000};
    std::chrono::milliseconds longest_wait{300'000};
    unsigned tries_max = 20;  // about an hour and a quarter
};

class AlertSender {
public:
    /// Waiting for the one that is being sent; the oldest goes when one more comes.
    static constexpr std::size_t queue_max = 32;

    using Send = std::function<SendResult(const AlertMessage&, const std::atomic<bool>& stop)>;

    /// `name` is for the log: "mail to 10.0.0.9:25". `log` outlives it.
    AlertSender(std::string name, Send send, Log& log, AlertRetries retries = {});
    ~AlertSender();  // what was not sent until now never is
    AlertSender(const AlertSender&) = delete;
    AlertSender& operator=(const AlertSender&) = delete;

    /// Any thread; never waits for the network.
    void push(AlertMessage message);

    struct Counts {
        std::uint64_t sent = 0, failed_tries = 0, dropped = 0;
        std::size_t waiting = 0;
        std::string error;  // of the last try; empty: it went well
    };
    Counts counts() const;
    const std::string& name() const { return name_; }

private:
    void run();
    void deliver(const AlertMessage& message);
    void note(const SendResult& result, bool gives_up);
    bool wait(std::chrono::milliseconds pause);  // false: stopping

    const std::string name_;
    const Send send_;
    Log& log_;
    const AlertRetries retries_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<AlertMessage> queue_;
    Counts counts_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace poise::admin
