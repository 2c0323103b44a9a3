#include "ha/guardian.hpp"

#include "ha/guardian_descriptors.hpp"
#include "ha/guardian_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace poise::ha {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds restart_pause{1};
// It looks some eighty times a second; a machine that is very busy may keep it waiting.
constexpr std::chrono::seconds frozen_after{2};

std::string error_text(int error) {
    return std::error_code(error, std::generic_category()).message();
}

int open_pidfd(pid_t pid) {
    // By number: the C library has the call, but its header hides it from strict C++.
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// All signals blocked from the first instruction on, and a session of its own: what is meant for
// the main process or its terminal does not reach it.
struct SpawnAttributes {
    SpawnAttributes() {
        posix_spawnattr_init(&value);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigmask(&value, &all);
        posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    }
    ~SpawnAttributes() { posix_spawnattr_destroy(&value); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;

    posix_spawnattr_t value;
};

struct SpawnFiles {
    SpawnFiles(int memory_fd, int main_fd) {
        posix_spawn_file_actions_init(&value);
        posix_spawn_file_actions_addopen(&value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&value, memory_fd, guardian_memory_fd);
        posix_spawn_file_actions_adddup2(&value, main_fd, guardian_main_fd);
        posix_spawn_file_actions_addclosefrom_np(&value, guardian_main_fd + 1);
    }
    ~SpawnFiles() { posix_spawn_file_actions_destroy(&value); }
    SpawnFiles(const SpawnFiles&) = delete;
    SpawnFiles& operator=(const SpawnFiles&) = delete;

    posix_spawn_file_actions_t value;
};

// A copy above those numbers that the guardian gets, so that none overwrites another.
int moved_up(int fd) {
    if (fd < 0) return fd;
    const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, guardian_main_fd + 1);
    ::close(fd);
    return moved;
}

}  // namespace

std::expected<std::unique_ptr<Guardian>, std::string> Guardian::start(GuardianSettings settings) {
    assert(!settings.program.empty());
    std::unique_ptr<Guardian> made(new Guardian(std::move(settings)));
    if (auto memory = made->make_memory(); !memory) return std::unexpected(memory.error());
    if (auto spawned = made->spawn(); !spawned) return std::unexpected(spawned.error());
    made->started_at_ = made->looked_at_ = steady_clock::now();
    return made;
}

std::expected<void, std::string> Guardian::make_memory() {
    const auto failed = [](const char* what) {
        return std::unexpected(
            fmt::format("the guardian cannot start: {}: {}", what, error_text(errno)));
    };
    memory_fd_ = moved_up(::memfd_create("poise-guardian", MFD_CLOEXEC));
    if (memory_fd_ < 0 || ::ftruncate(memory_fd_, sizeof(GuardianMemory)) != 0)
        return failed("no shared memory");
    void* const mapped =
        ::mmap(nullptr, sizeof(GuardianMemory), PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd_, 0);
    if (mapped == MAP_FAILED) return failed("no shared memory");
    memory_ = new (mapped) GuardianMemory;
    memory_->stall_limit_ms = static_cast<std::uint32_t>(settings_.stall_limit.count());
    self_fd_ = moved_up(open_pidfd(::getpid()));
    if (self_fd_ < 0) return failed("no descriptor of this process");
    return {};
}

std::expected<void, std::string> Guardian::spawn() {
    std::vector<char*> words;
    for (const std::string& word : settings_.program)
        words.push_back(const_cast<char*>(word.c_str()));  // execve does not write to it
    words.push_back(nullptr);
    const SpawnAttributes attributes;
    const SpawnFiles files(memory_fd_, self_fd_);
    const int error =
        ::posix_spawn(&pid_, words[0], &files.value, &attributes.value, words.data(), environ);
    if (error != 0) {
        pid_ = 0;
        return std::unexpected(
            fmt::format("the guardian cannot start: {}: {}", words[0], error_text(error)));
    }
    guardian_fd_ = open_pidfd(pid_);
    return {};
}

Guardian::~Guardian() {
    end_process();
    if (memory_ != nullptr) ::munmap(memory_, sizeof(GuardianMemory));
    for (const int fd : {memory_fd_, self_fd_})
        if (fd >= 0) ::close(fd);
}

void Guardian::end_process() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);  // not reaped yet, so the number is its own
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    if (guardian_fd_ >= 0) ::close(guardian_fd_);
    guardian_fd_ = -1;
    pid_ = 0;
}

void Guardian::beat() {
    memory_->progress.fetch_add(1, std::memory_order_release);
}

void Guardian::set_addresses(std::span<const config::FloatingAddress> addresses) {
    auto stored = std::make_unique<StoredAddresses>();
    for (const config::FloatingAddress& each :
         addresses.first(std::min(addresses.size(), floating_addresses_max))) {
        StoredAddress& into = stored->all[stored->count++];
        into.ip = each.address.ip;
        into.prefix_length = static_cast<std::uint8_t>(each.prefix_length);
        each.interface.copy(into.interface.data(), interface_name_max);
    }
    memory_->addresses.write(*stored);
}

void Guardian::set_farewell(std::span<const Farewell> farewells) {
    assert(farewells.size() <= farewells_max);
    StoredFarewells stored;
    for (const Farewell& each : farewells) {
        assert(each.datagram.size() <= farewell_bytes_max);
        StoredFarewell& into = stored.all[stored.count++];
        into.from_ip = each.from.ip;
        into.to_ip = each.to.ip;
        into.to_port = each.to.port;
        into.bytes = static_cast<std::uint16_t>(each.datagram.size());
        std::ranges::copy(each.datagram, into.datagram.begin());
    }
    memory_->farewells.write(stored);
}

bool Guardian::has_taken() const {
    return memory_->taking.load(std::memory_order_acquire) != Taking::none;
}

bool Guardian::take_back() {
    // Whoever calls this goes on: without this beat the guardian would act again at once.
    beat();
    Taking done = Taking::done;
    return memory_->taking.compare_exchange_strong(done, Taking::none) || done == Taking::none;
}

bool Guardian::is_watching() const {
    return memory_->looks.load(std::memory_order_relaxed) > 0;
}

bool Guardian::has_ended() {
    return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_;
}

std::optional<std::string> Guardian::look_after(steady_clock::time_point now) {
    const std::uint64_t looks = memory_->looks.load(std::memory_order_relaxed);
    if (looks != looks_seen_) looked_at_ = now;
    looks_seen_ = looks;
    std::string what;
    if (has_ended()) {
        pid_ = 0;
        what = "the guardian has ended";
    } else if (pid_ > 0 && now - looked_at_ >= frozen_after) {
        what = "the guardian stands still";
    } else if (pid_ > 0) {
        return std::nullopt;
    }
    if (now - started_at_ < restart_pause) {
        if (what.empty()) return std::nullopt;
        return what;
    }
    end_process();
    if (memory_->taking.load() == Taking::begun) memory_->taking = Taking::done;
    started_at_ = looked_at_ = now;
    if (what.empty()) what = "there is no guardian";
    if (auto spawned = spawn(); !spawned) return what + "; " + spawned.error();
    return what + fmt::format(": another is at work, process {}", pid_);
}

}  // namespace poise::ha
