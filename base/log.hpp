// The event log: what changed and what is wrong, for operators. Requests go to the access log.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

namespace poise {

enum class Severity : std::uint8_t { debug, info, warn, error };

/// One line as it would be written, with its line feed. Text: time, severity and message; control
/// bytes are escaped (\x0a), so that no message makes two lines. JSON: one object; bytes that are
/// no UTF-8 become U+FFFD.
std::string log_line_text(Severity severity, std::string_view message,
                          std::chrono::system_clock::time_point at, bool colour);
std::string log_line_json(Severity severity, std::string_view message,
                          std::chrono::system_clock::time_point at);

/// Any thread may log. A line is written at once, in one write, under a mutex: this is for
/// changes of state, never for a request. A line that cannot be written is counted and lost.
class Log {
public:
    struct Options {
        Severity least = Severity::info;  // less severe lines are left out
        bool json = false;
        std::string path;  // appended to, made with mode 0640; empty: the standard output
    };

    static std::expected<std::unique_ptr<Log>, std::error_code> open(Options options);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void debug(std::string_view message) { write(Severity::debug, message); }
    void info(std::string_view message) { write(Severity::info, message); }
    void warn(std::string_view message) { write(Severity::warn, message); }
    void error(std::string_view message) { write(Severity::error, message); }
    void write(Severity severity, std::string_view message);

    /// Opens the path anew (log rotation). On failure the old file goes on. Does nothing for the
    /// standard output.
    std::error_code reopen();

    std::uint64_t lines_lost() const { return lines_lost_.load(std::memory_order_relaxed); }

private:
    Log(Options options, int fd);

    const Options options_;
    std::atomic<std::uint64_t> lines_lost_{0};
    std::mutex mutex_;  // guards what follows
    int fd_;
    bool colour_ = false;
};

}  // namespace poise
