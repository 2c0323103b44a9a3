#include "base/log_writer.hpp"

#include "base/signals_blocked.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poise {

namespace {

// How long lines gather before they are written together.
constexpr int batch_ms = 20;
// How long a stopping writer lets an output that takes nothing hold it up.
constexpr int stop_limit_ms = 1'000;
// A pipe takes this much at once when poll() says that it takes something.
constexpr std::size_t pipe_piece_bytes = 4'096;

int open_output(const std::string& path) {
    if (path.empty()) return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

void raise_event(int fd) {
    // Fails only when the counter is full, and then the reader will wake anyway.
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(fd, &one, sizeof one);
}

}  // namespace

LogQueue::LogQueue(std::size_t bytes, int wake_fd, std::atomic<bool>& writer_sleeps)
    : mask_(std::bit_ceil(std::max(bytes, std::size_t{4'096})) - 1),
      wake_fd_(wake_fd),
      writer_sleeps_(writer_sleeps) {
    // Not filled with zeros: pages that no line has reached yet cost nothing.
    ring_ = std::make_unique_for_overwrite<char[]>(mask_ + 1);
}

bool LogQueue::push(std::string_view line) {
    const std::size_t written = written_.load(std::memory_order_relaxed);
    const std::size_t used = written - read_.load(std::memory_order_acquire);
    if (line.size() >= mask_ + 1 - used) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    copy_in(written, line);
    ring_[(written + line.size()) & mask_] = '\n';
    written_.store(written + line.size() + 1, std::memory_order_release);
    pushed_.fetch_add(1, std::memory_order_relaxed);
    // Orders the store above before the look at the flag, as the writer orders its flag before
    // its look at the rings: one of the two sees the other.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (writer_sleeps_.load(std::memory_order_relaxed) &&
        writer_sleeps_.exchange(false, std::memory_order_acq_rel))
        raise_event(wake_fd_);
    return true;
}

void LogQueue::copy_in(std::size_t at, std::string_view bytes) {
    const std::size_t start = at & mask_;
    const std::size_t first = std::min(bytes.size(), mask_ + 1 - start);
    if (first > 0) std::memcpy(ring_.get() + start, bytes.data(), first);
    if (first < bytes.size()) std::memcpy(ring_.get(), bytes.data() + first, bytes.size() - first);
}

LogQueue::Pieces LogQueue::readable() const {
    const std::size_t read = read_.load(std::memory_order_relaxed);
    const std::size_t count = written_.load(std::memory_order_acquire) - read;
    const std::size_t start = read & mask_;
    const std::size_t first = std::min(count, mask_ + 1 - start);
    return {{ring_.get() + start, first}, {ring_.get(), count - first}};
}

void LogQueue::consume(std::size_t bytes) {
    read_.store(read_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

std::expected<std::unique_ptr<LogWriter>, std::error_code> LogWriter::open(
    const std::string& path) {
    const int output = open_output(path);
    if (output < 0) return std::unexpected(std::error_code(errno, std::generic_category()));
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) {
        const int error = errno;
        ::close(output);
        return std::unexpected(std::error_code(error, std::generic_category()));
    }
    return std::unique_ptr<LogWriter>(new LogWriter(path, output, wake));
}

LogWriter::LogWriter(std::string path, int output_fd, int wake_fd)
    : path_(std::move(path)), output_fd_(output_fd), wake_fd_(wake_fd) {
    struct stat facts{};
    is_file_ = ::fstat(output_fd_, &facts) == 0 && S_ISREG(facts.st_mode);
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
    stopping_.store(true, std::memory_order_release);
    wake();
    thread_.join();
    ::close(output_fd_);
    ::close(wake_fd_);
}

LogQueue& LogWriter::add_queue(std::size_t bytes) {
    const std::lock_guard lock(queues_mutex_);
    queues_.push_back(std::make_unique<LogQueue>(bytes, wake_fd_, sleeps_));
    return *queues_.back();
}

void LogWriter::wake() {
    raise_event(wake_fd_);
}

void LogWriter::reopen() {
    reopen_wanted_.store(true, std::memory_order_release);
    wake();
}

void LogWriter::flush() {
    const std::uint64_t wanted = flushes_wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
    wake();
    auto done = flushes_done_.load(std::memory_order_acquire);
    while (done < wanted) {
        flushes_done_.wait(done, std::memory_order_acquire);
        done = flushes_done_.load(std::memory_order_acquire);
    }
}

bool LogWriter::flush_within(std::chrono::milliseconds limit) {
    constexpr std::chrono::milliseconds step{5};
    const auto until = std::chrono::steady_clock::now() + limit;
    const std::uint64_t wanted = flushes_wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
    wake();
    while (flushes_done_.load(std::memory_order_acquire) < wanted) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(step);
    }
    return true;
}

std::uint64_t LogWriter::lines_dropped() const {
    const std::lock_guard lock(queues_mutex_);
    std::uint64_t sum = 0;
    for (const auto& queue : queues_)
        sum += queue->dropped();
    return sum;
}

// The thread. Each turn: gather for a moment, write all, and sleep when there was nothing.
void LogWriter::run() {
    while (true) {
        const bool last_turn = stopping_.load(std::memory_order_acquire);
        const std::uint64_t flushes = flushes_wanted_.load(std::memory_order_acquire);
        if (reopen_wanted_.exchange(false, std::memory_order_acq_rel)) open_again();
        const bool wrote = write_all_queues();
        flushes_done_.store(flushes, std::memory_order_release);
        flushes_done_.notify_all();
        if (last_turn) return;
        if (!wrote) wait_for_lines();
        pollfd event{wake_fd_, POLLIN, 0};
        if (wrote) ::poll(&event, 1, batch_ms);
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t ignored = ::read(wake_fd_, &count, sizeof count);
    }
}

void LogWriter::wait_for_lines() {
    sleeps_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // see LogQueue::push
    bool empty = true;
    {
        const std::lock_guard lock(queues_mutex_);
        for (const auto& queue : queues_)
            empty = empty && queue->readable().first.empty();
    }
    pollfd event{wake_fd_, POLLIN, 0};
    if (empty) ::poll(&event, 1, -1);
    sleeps_.store(false, std::memory_order_relaxed);
}

bool LogWriter::write_all_queues() {
    std::vector<LogQueue*> queues;
    {
        const std::lock_guard lock(queues_mutex_);
        for (const auto& queue : queues_)
            queues.push_back(queue.get());
    }
    bool wrote = false;
    bool refused = false;
    for (LogQueue* queue : queues) {
        const auto pieces = queue->readable();
        if (pieces.first.empty()) continue;
        wrote = true;
        // What the output refuses is lost and counted: keeping it would fill the ring for ever.
        // One that took nothing until the stop's limit gets no second chance.
        const bool gives_up = refused && stopping_.load(std::memory_order_acquire);
        if (gives_up || !write_piece(pieces.first) || !write_piece(pieces.second)) {
            refused = true;
            write_failures_.fetch_add(1, relaxed);
        }
        queue->consume(pieces.first.size() + pieces.second.size());
    }
    return wrote;
}

bool LogWriter::write_piece(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!is_file_ && !writable_in_time()) return false;
        const std::size_t count =
            is_file_ ? bytes.size() : std::min(bytes.size(), pipe_piece_bytes);
        const ssize_t n = ::write(output_fd_, bytes.data(), count);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n <= 0) return false;
        bytes_written_.fetch_add(static_cast<std::uint64_t>(n), relaxed);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// Waits for a pipe or terminal that is full: for ever while running (the workers drop lines
// meanwhile), for a limited time when stopping.
bool LogWriter::writable_in_time() const {
    while (true) {
        const bool stopping = stopping_.load(std::memory_order_acquire);
        pollfd event{output_fd_, POLLOUT, 0};
        constexpr int look_ms = 100;  // how often a running writer looks whether it should stop
        const int ready = ::poll(&event, 1, stopping ? stop_limit_ms : look_ms);
        if (ready > 0) return (event.revents & POLLOUT) != 0;
        if (ready < 0 && errno != EINTR) return false;
        if (ready == 0 && stopping) return false;
    }
}

void LogWriter::open_again() {
    const int fresh = path_.empty() ? -1 : open_output(path_);
    if (fresh < 0) {
        if (!path_.empty()) reopen_failures_.fetch_add(1, relaxed);
        return;
    }
    ::close(output_fd_);
    output_fd_ = fresh;
    struct stat facts{};
    is_file_ = ::fstat(output_fd_, &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace poise
