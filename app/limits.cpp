#include "app/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sched.h>
#include <sys/resource.h>
#include <utility>

namespace poise::app {

namespace {

// Listeners, logs, health checks, the control socket and what libraries open.
constexpr std::size_t files_reserved = 256;
constexpr std::size_t connections_least = 16;
// More files than that no machine needs, and RLIM_INFINITY is no number to divide.
constexpr std::size_t files_most = std::size_t{1} << 24;

}  // namespace

std::size_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1'024;
    const rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = soft;
    return std::min<std::size_t>(limit.rlim_cur, files_most);
}

std::size_t connections_max_per_worker(std::uint32_t wanted, std::size_t files, unsigned workers) {
    if (wanted != 0) return std::max<std::size_t>((wanted + workers - 1) / workers, 1);
    const std::size_t half = files / 2;
    const std::size_t free = half > files_reserved ? half - files_reserved : 0;
    return std::max(free / workers, connections_least);
}

unsigned worker_count(int wanted) {
    if (wanted > 0) return std::min(static_cast<unsigned>(wanted), workers_max);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    const bool known = ::sched_getaffinity(0, sizeof cores, &cores) == 0;
    const int count = known ? CPU_COUNT(&cores) : 1;
    return std::clamp(static_cast<unsigned>(count), 1U, workers_max);
}

std::expected<IoChoice, config::Problem> choose_io(config::IoEngine wanted) {
    if (wanted == config::IoEngine::epoll) return IoChoice{};
    std::string why_not = io_uring_unavailable();
    if (why_not.empty()) return IoChoice{IoKind::io_uring, {}};
    if (wanted == config::IoEngine::automatic) return IoChoice{IoKind::epoll, std::move(why_not)};
    return std::unexpected(config::Problem{fmt::format("'io: io_uring': {}", why_not),
                                           "'io: auto' goes on by epoll where it must"});
}

}  // namespace poise::app
