// Ends the process when a stop does not come to its end.
#pragma once

#include "base/log.hpp"

#include <chrono>
#include <functional>
#include <signal.h>
#include <string_view>
#include <thread>

namespace poise::app {

/// Has a thread of its own, for what hangs may be the control thread. Belongs to that one.
class StopWatchdog {
public:
    struct Options {
        std::chrono::milliseconds deaf{2'000};    // signals within are part of the same order
        std::chrono::milliseconds limit{10'000};  // from start() to the end
        std::function<void()> end_process = {};   // empty: exit code 1, without any clean-up
    };

    /// `log` outlives it.
    explicit StopWatchdog(Log& log) : StopWatchdog(log, Options()) {}
    StopWatchdog(Log& log, Options options);
    /// The stop has come to its end.
    ~StopWatchdog();
    StopWatchdog(const StopWatchdog&) = delete;
    StopWatchdog& operator=(const StopWatchdog&) = delete;

    /// The order to stop has been given: from now on SIGINT and SIGTERM are for this alone, and
    /// one of them, or the limit, ends the process. Again does nothing. All other threads must
    /// have these signals blocked.
    void start();

    /// Logs why and ends the process.
    void give_up(std::string_view why);

private:
    void run(std::chrono::steady_clock::time_point began);

    Log& log_;
    const Options options_;
    sigset_t watched_{};
    int signals_fd_ = -1;
    int ended_fd_ = -1;
    sigset_t mask_before_{};
    std::thread thread_;
};

}  // namespace poise::app
