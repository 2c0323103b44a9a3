#include "app/stop_watchdog.hpp"

#include "base/signals_blocked.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace poise::app {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

StopWatchdog::StopWatchdog(Log& log, Options options) : log_(log), options_(std::move(options)) {
    ::sigemptyset(&watched_);
    ::sigaddset(&watched_, SIGINT);
    ::sigaddset(&watched_, SIGTERM);
}

StopWatchdog::~StopWatchdog() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(ended_fd_, &one, sizeof one);
    thread_.join();
    ::close(signals_fd_);
    ::close(ended_fd_);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void StopWatchdog::start() {
    if (thread_.joinable()) return;
    signals_fd_ = ::signalfd(-1, &watched_, SFD_CLOEXEC | SFD_NONBLOCK);
    ended_fd_ = ::eventfd(0, EFD_CLOEXEC);
    try {
        const SignalsBlocked blocked;
        thread_ = std::thread(&StopWatchdog::run, this, Clock::now());
    } catch (const std::system_error&) {
        return;  // a stop without a watchdog is better than none
    }
    // A signal that is blocked everywhere waits for the descriptor.
    ::pthread_sigmask(SIG_BLOCK, &watched_, &mask_before_);
}

void StopWatchdog::give_up(std::string_view why) {
    constexpr milliseconds flush_limit{500};
    log_.error(fmt::format("the stop hangs ({}): the process ends now, as it is", why));
    log_.flush_within(flush_limit);
    if (options_.end_process) return options_.end_process();
    ::_exit(1);
}

// The thread.
void StopWatchdog::run(Clock::time_point began) {
    for (;;) {
        const auto left =
            std::chrono::ceil<milliseconds>(began + options_.limit - Clock::now()).count();
        std::array<pollfd, 2> events{pollfd{signals_fd_, POLLIN, 0}, pollfd{ended_fd_, POLLIN, 0}};
        ::poll(events.data(), events.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
        if ((events[1].revents & POLLIN) != 0) return;
        const auto since = Clock::now() - began;
        if (since >= options_.limit) {
            const std::chrono::duration<double> limit = options_.limit;
            return give_up(fmt::format("it has not ended within {:g} s", limit.count()));
        }
        signalfd_siginfo signal{};
        const bool told = ::read(signals_fd_, &signal, sizeof signal) == sizeof signal;
        if (told && since >= options_.deaf) return give_up("another signal asks for its end");
    }
}

}  // namespace poise::app
