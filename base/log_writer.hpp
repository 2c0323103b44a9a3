// Writes lines to a file or the standard output from a thread of its own, so that a slow disk
// or a full pipe never holds up a worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace poise {

/// One thread's bounded way to the writer: a ring of bytes with one reader and one writer.
class LogQueue {
public:
    /// `bytes` is rounded up to a power of two, 4 KiB at least. `wake_fd` outlives the queue.
    LogQueue(std::size_t bytes, int wake_fd, std::atomic<bool>& writer_sleeps);
    LogQueue(const LogQueue&) = delete;
    LogQueue& operator=(const LogQueue&) = delete;

    /// Queues `line` and a line feed. Never blocks: a line that finds no room is dropped whole
    /// and counted. Call from one thread only.
    bool push(std::string_view line);

    std::uint64_t pushed() const { return pushed_.load(std::memory_order_relaxed); }
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

private:
    friend class LogWriter;
    struct Pieces {
        std::string_view first, second;  // in order; whole lines together
    };

    Pieces readable() const;          // the writer's thread only
    void consume(std::size_t bytes);  // the writer's thread only
    void copy_in(std::size_t at, std::string_view bytes);

    std::unique_ptr<char[]> ring_;
    std::size_t mask_;
    int wake_fd_;
    std::atomic<bool>& writer_sleeps_;
    alignas(64) std::atomic<std::size_t> written_{0};  // both only grow; by the pushing thread
    std::atomic<std::uint64_t> pushed_{0};
    std::atomic<std::uint64_t> dropped_{0};
    alignas(64) std::atomic<std::size_t> read_{0};  // by the writer's thread
};

/// Owns the file and the thread. Any thread may call anything; the destructor writes what is
/// queued, but gives up on an output that takes nothing for `stop_limit`.
class LogWriter {
public:
    static constexpr std::size_t queue_bytes_default = std::size_t{1} << 20;

    /// Opens `path` for appending (made with mode 0640); empty is the standard output.
    static std::expected<std::unique_ptr<LogWriter>, std::error_code> open(const std::string& path);

    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// A queue for one thread, which must not push after this writer is gone.
    LogQueue& add_queue(std::size_t bytes = queue_bytes_default);

    /// Opens the path anew before the next batch (log rotation). When that fails, the old file
    /// goes on and `reopen_failures` rises.
    void reopen();

    /// Waits until all that was pushed before the call has been handed to the output, or the
    /// output has refused it. For tests and shutdown, not for workers.
    void flush();
    /// As flush(), but false when that takes longer than `limit`.
    bool flush_within(std::chrono::milliseconds limit);

    std::uint64_t lines_dropped() const;  // by all queues
    std::uint64_t bytes_written() const { return bytes_written_.load(relaxed); }
    std::uint64_t write_failures() const { return write_failures_.load(relaxed); }
    std::uint64_t reopen_failures() const { return reopen_failures_.load(relaxed); }

private:
    static constexpr auto relaxed = std::memory_order_relaxed;

    LogWriter(std::string path, int output_fd, int wake_fd);
    void run();
    void wait_for_lines();
    bool write_all_queues();
    bool write_piece(std::string_view bytes);
    bool writable_in_time() const;
    void open_again();
    void wake();

    const std::string path_;
    int output_fd_;  // the writer's thread only, after construction
    const int wake_fd_;
    bool is_file_ = false;
    std::atomic<bool> sleeps_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> reopen_wanted_{false};
    std::atomic<std::uint64_t> flushes_wanted_{0};
    std::atomic<std::uint64_t> flushes_done_{0};
    std::atomic<std::uint64_t> bytes_written_{0};
    std::atomic<std::uint64_t> write_failures_{0};
    std::atomic<std::uint64_t> reopen_failures_{0};
    mutable std::mutex queues_mutex_;  // guards the list, not the rings
    std::vector<std::unique_ptr<LogQueue>> queues_;
    std::thread thread_;
};

}  // namespace poise
