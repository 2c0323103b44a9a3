// The process's own figures, from /proc.
#include "admin/file.hpp"
#include "admin/metrics.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace poise::admin {

namespace {

constexpr std::size_t proc_bytes_max = 65'536;
constexpr std::size_t threads_max = 256;

struct ThreadStat {
    std::string name;
    double cpu_s = 0;
};

// "1 (poise-w0) S 0 ..." (proc(5)): user and system time are the fields 14 and 15.
std::optional<ThreadStat> thread_stat(const std::string& path) {
    const auto text = read_whole(path, proc_bytes_max);
    if (!text) return std::nullopt;
    const std::size_t open = text->find('(');
    const std::size_t close = text->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open)
        return std::nullopt;
    std::istringstream rest(text->substr(close + 1));
    const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
    constexpr std::size_t user_time = 11;  // counted from the field behind the name
    if (fields.size() <= user_time + 1) return std::nullopt;
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const double used = std::strtod(fields[user_time].c_str(), nullptr) +
                        std::strtod(fields[user_time + 1].c_str(), nullptr);
    return ThreadStat{text->substr(open + 1, close - open - 1), used / ticks};
}

double resident_bytes() {
    const auto text = read_whole("/proc/self/statm", proc_bytes_max).value_or("");
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) return 0;
    return std::strtod(text.c_str() + space, nullptr) *
           static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::size_t open_descriptors() {
    std::error_code error;
    const std::filesystem::directory_iterator folder("/proc/self/fd", error);
    return error ? 0 : static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

}  // namespace

std::string process_metrics() {
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out,
                   "# HELP process_resident_memory_bytes Memory in use.\n"
                   "# TYPE process_resident_memory_bytes gauge\n"
                   "process_resident_memory_bytes {}\n"
                   "# HELP process_open_fds Descriptors in use.\n"
                   "# TYPE process_open_fds gauge\nprocess_open_fds {}\n",
                   resident_bytes(), open_descriptors());
    if (const auto whole = thread_stat("/proc/self/stat")) {
        fmt::format_to(out,
                       "# HELP process_cpu_seconds_total CPU time of the process.\n"
                       "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {}\n",
                       whole->cpu_s);
    }
    text +=
        "# HELP poise_thread_cpu_seconds_total CPU time by thread.\n"
        "# TYPE poise_thread_cpu_seconds_total counter\n";
    std::error_code error;
    std::size_t count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
        const auto stat = thread_stat(task.path().string() + "/stat");
        if (!stat || ++count > threads_max) continue;
        fmt::format_to(out, "poise_thread_cpu_seconds_total{{thread=\"{}\",tid=\"{}\"}} {}\n",
                       stat->name, task.path().filename().string(), stat->cpu_s);
    }
    return text;
}

}  // namespace poise::admin
