#include "base/child_process.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace poise {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

// Signals as a program expects them, whatever this process blocks or ignores; a group of its own.
struct SpawnAttributes {
    SpawnAttributes() {
        posix_spawnattr_init(&value);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&value, &none);
        posix_spawnattr_setsigdefault(&value, &all);
        posix_spawnattr_setpgroup(&value, 0);
        posix_spawnattr_setflags(
            &value, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnAttributes() { posix_spawnattr_destroy(&value); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;

    posix_spawnattr_t value;
};

// Output into `pipe_end`, no input, and none of our descriptors, for not all libraries set
// close-on-exec.
struct SpawnFiles {
    explicit SpawnFiles(int pipe_end) {
        posix_spawn_file_actions_init(&value);
        posix_spawn_file_actions_adddup2(&value, pipe_end, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&value, pipe_end, STDERR_FILENO);
        posix_spawn_file_actions_addopen(&value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addclosefrom_np(&value, STDERR_FILENO + 1);
    }
    ~SpawnFiles() { posix_spawn_file_actions_destroy(&value); }
    SpawnFiles(const SpawnFiles&) = delete;
    SpawnFiles& operator=(const SpawnFiles&) = delete;

    posix_spawn_file_actions_t value;
};

// Pointers to the texts, as execve wants them; it does not write to them.
void append_pointers(const std::vector<std::string>& texts, std::vector<char*>& to) {
    for (const auto& text : texts)
        to.push_back(const_cast<char*>(text.c_str()));
}

int spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
          int pipe_end, pid_t* pid) {
    std::vector<char*> argv;
    append_pointers(arguments, argv);
    argv.push_back(nullptr);
    std::vector<char*> variables;
    append_pointers(environment, variables);  // first: the first of a name is the one found
    for (char** each = environ; *each != nullptr; ++each)
        variables.push_back(*each);
    variables.push_back(nullptr);
    const SpawnAttributes attributes;
    const SpawnFiles files(pipe_end);
    return posix_spawn(pid, argv[0], &files.value, &attributes.value, argv.data(),
                       variables.data());
}

// Shared with the handlers of its output and its timer, which may end after the coroutine.
class Child : public std::enable_shared_from_this<Child> {
public:
    explicit Child(const asio::any_io_executor& executor)
        : ended_(std::make_shared<stream_descriptor>(executor)),
          output_(executor),
          timer_(executor) {}

    /// 0, or the errno of what failed.
    int start(const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment, std::chrono::milliseconds limit) {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
        error_code ignored;  // assign() fails on a used descriptor only
        output_.assign(ends[0], ignored);
        const int failed = spawn(arguments, environment, ends[1], &pid_);
        ::close(ends[1]);
        if (failed != 0) return failed;
        running_ = true;
        // By number: the C library has the call, but its header hides it from strict C++.
        const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
        if (descriptor < 0) return errno;
        ended_->assign(descriptor, ignored);
        read_output();
        arm(limit);
        return 0;
    }

    stream_descriptor& ended() { return *ended_; }
    bool expired() const { return expired_; }
    std::string first_line() const { return line_.substr(0, line_.find_first_of("\r\n")); }

    /// To be called once ended() is readable: kills what is left of the group, then reaps. In
    /// this order: until it is reaped nobody else can get its number.
    int reap() {
        ::kill(-pid_, SIGKILL);
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        running_ = false;
        error_code ignored;  // nothing can be done about a close that fails
        ended_->close(ignored);
        read_the_rest();
        return status;
    }

    /// Ends it and everything that waits for it. A child that does not die at once is reaped
    /// later, by a handler that owns no more than the descriptor.
    void abandon() {
        error_code ignored;  // nothing can be done about a close that fails
        timer_.cancel();
        output_.close(ignored);
        if (!running_) return;
        running_ = false;
        ::kill(-pid_, SIGKILL);
        // Without a descriptor that tells of its end there is only waiting, not for long.
        if (::waitpid(pid_, nullptr, ended_->is_open() ? WNOHANG : 0) != 0) return;
        ended_->async_wait(
            stream_descriptor::wait_read,
            [descriptor = ended_, pid = pid_](error_code) { ::waitpid(pid, nullptr, WNOHANG); });
    }

private:
    void keep(std::size_t bytes) {
        const auto room = output_bytes_max - line_.size();
        line_.append(buffer_.data(), std::min(bytes, room));
    }

    // All of it is read, so that the program never blocks; little of it is kept.
    void read_output() {
        output_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](error_code ec, std::size_t bytes) {
                                    if (ec) return;
                                    self->keep(bytes);
                                    self->read_output();
                                });
    }

    // What it wrote last may still be in the pipe when its end is known. A pipe holds 64 KiB.
    void read_the_rest() {
        if (!output_.is_open()) return;
        error_code ec;
        output_.non_blocking(true, ec);
        constexpr int reads_max = 64;
        for (int reads = 0; reads < reads_max && !ec && line_.size() < output_bytes_max; ++reads)
            keep(output_.read_some(asio::buffer(buffer_), ec));
    }

    void arm(std::chrono::milliseconds limit) {
        timer_.expires_after(limit);
        timer_.async_wait([weak = weak_from_this()](error_code ec) {
            const auto self = weak.lock();
            if (ec || !self || !self->running_) return;
            self->expired_ = true;
            ::kill(-self->pid_, SIGKILL);
        });
    }

    std::shared_ptr<stream_descriptor> ended_;
    stream_descriptor output_;
    asio::steady_timer timer_;
    pid_t pid_ = 0;
    bool running_ = false;
    bool expired_ = false;
    std::string line_;
    std::array<char, 1024> buffer_;
};

// Whatever ends the coroutine also ends the child.
struct ChildGuard {
    explicit ChildGuard(const asio::any_io_executor& executor)
        : child(std::make_shared<Child>(executor)) {}
    ~ChildGuard() { child->abandon(); }
    ChildGuard(const ChildGuard&) = delete;
    ChildGuard& operator=(const ChildGuard&) = delete;

    std::shared_ptr<Child> child;
};

}  // namespace

Task<ProcessEnd> run_process(std::vector<std::string> arguments, std::chrono::milliseconds limit,
                             std::vector<std::string> environment) {
    using How = ProcessEnd::How;
    const ChildGuard guard(co_await asio::this_coro::executor);
    Child& child = *guard.child;
    if (const int failed = child.start(arguments, environment, limit); failed != 0)
        co_return ProcessEnd{.how = How::not_started, .code = failed};

    auto [ec] = co_await child.ended().async_wait(stream_descriptor::wait_read, use_tuple);
    if (ec) throw boost::system::system_error(ec);
    const int status = child.reap();
    ProcessEnd end{.how = How::exited, .first_line = child.first_line()};
    if (child.expired()) {
        end.how = How::timed_out;
    } else if (WIFSIGNALED(status)) {
        end.how = How::killed;
        end.code = WTERMSIG(status);
    } else {
        end.code = WEXITSTATUS(status);
    }
    co_return end;
}

}  // namespace poise
