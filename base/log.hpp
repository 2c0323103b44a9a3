// The event log: what changed and what is wrong, for operators. Requests go to the access log.
#pragma once

#include "base/log_writer.hpp"

#include <chrono>
#include <cstddef>
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

/// Any thread may log, and none waits for the output: lines are queued under a mutex and written
/// by a thread of the log's own. This is for changes of state, never for a request. A line that
/// finds the queue full is lost; that is counted and said as soon as there is room again.
class Log {
public:
    static constexpr std::size_t queue_bytes = std::size_t{1} << 18;

    struct Options {
        Severity least = Severity::info;  // less severe lines are left out
        bool json = false;
        std::string path;  // appended to, made with mode 0640; empty: the standard output
    };

    static std::expected<std::unique_ptr<Log>, std::error_code> open(Options options);
    /// Writes what is queued, unless the output takes nothing for a second.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void debug(std::string_view message) { write(Severity::debug, message); }
    void info(std::string_view message) { write(Severity::info, message); }
    void warn(std::string_view message) { write(Severity::warn, message); }
    void error(std::string_view message) { write(Severity::error, message); }
    void write(Severity severity, std::string_view message);

    /// Opens the path anew (log rotation), soon. On failure the old file goes on. Does nothing for
    /// the standard output.
    std::error_code reopen();

    /// Says how many lines were lost, when some were and there is room again. Now and then.
    void tell_losses();
    /// False when the output has not taken all that was logged before within `limit`.
    bool flush_within(std::chrono::milliseconds limit);

    std::uint64_t lines_lost() const;  // at least

private:
    Log(Options options, std::unique_ptr<LogWriter> writer, bool colour);

    bool push(Severity severity, std::string_view message);
    std::uint64_t losses() const;
    void push_losses();

    const Options options_;
    const bool colour_;
    mutable std::mutex mutex_;  // guards the queue's pushing end and the counts
    const std::unique_ptr<LogWriter> writer_;
    LogQueue& queue_;
    std::uint64_t lines_dropped_ = 0;
    std::uint64_t losses_told_ = 0;
};

}  // namespace poise
