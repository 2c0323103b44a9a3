// The guardian's own process: it waits, looks, and acts once.
#include "base/socket_address.hpp"
#include "ha/floating_addresses.hpp"
#include "ha/guardian.hpp"
#include "ha/guardian_descriptors.hpp"
#include "ha/guardian_memory.hpp"
#include "ha/stall_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poise::ha {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int looks_a_limit = 4;
constexpr milliseconds look_step_max{25};
// Each farewell leaves this often: on a line that loses 30 % all three are lost once in 37 times.
constexpr std::array farewell_pauses{milliseconds{0}, milliseconds{3}, milliseconds{7}};

// What it may have, it takes; without these it works all the same.
void become_hard_to_kill() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::prctl(PR_SET_NAME, "poise-guardian", 0, 0, 0);
    if (const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); fd >= 0) {
        [[maybe_unused]] const ssize_t ignored = ::write(fd, "-1000", 5);
        ::close(fd);
    }
    // Before what it watches, which may be real-time as well; a few microseconds a look.
    const sched_param priority{.sched_priority = 11};
    ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
    if (::chdir("/") != 0) return;
    ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

// One whole line, and only when that does not wait: a reader that hangs must not hold us.
void say(const std::string& line) {
    pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
    if (line.size() > PIPE_BUF || ::poll(&standard_error, 1, 0) != 1) return;
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

Address address_of(const std::array<std::uint8_t, 16>& ip, std::uint16_t port = 0) {
    return {.ip = ip, .port = port};
}

// Room for one control message that names the source address.
struct SourceControl {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};

    template <typename Info>
    void put(msghdr& message, int level, int type, const Info& info) {
        message.msg_control = bytes.data();
        message.msg_controllen = CMSG_SPACE(sizeof info);
        cmsghdr* const head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = level;
        head->cmsg_type = type;
        head->cmsg_len = CMSG_LEN(sizeof info);
        std::memcpy(CMSG_DATA(head), &info, sizeof info);
    }
};

class Process {
public:
    explicit Process(GuardianMemory& memory, FloatingAddresses addresses)
        : memory_(memory),
          addresses_(std::move(addresses)),
          socket_v4_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
          socket_v6_(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
    ~Process() {
        ::close(socket_v4_);
        ::close(socket_v6_);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    int run();

private:
    void act(const char* why);
    std::size_t remove_addresses();
    void send_farewells() const;
    void send(const StoredFarewell& farewell) const;

    GuardianMemory& memory_;
    FloatingAddresses addresses_;
    int socket_v4_, socket_v6_;
};

int Process::run() {
    const milliseconds limit{memory_.stall_limit_ms.load()};
    const milliseconds step = std::clamp(limit / looks_a_limit, milliseconds{1}, look_step_max);
    StallWatch watch(limit, step);
    for (;;) {
        pollfd main_process{guardian_main_fd, POLLIN, 0};
        ::poll(&main_process, 1, static_cast<int>(step.count()));
        if (main_process.revents != 0) {
            act("the main process has ended");
            return 0;
        }
        memory_.looks.fetch_add(1, std::memory_order_relaxed);
        const bool stands =
            watch.look(memory_.progress.load(std::memory_order_acquire), Clock::now());
        Taking none = Taking::none;
        if (stands && memory_.taking.compare_exchange_strong(none, Taking::begun)) {
            act("the main process stands still");
            memory_.taking = Taking::done;
        }
    }
}

// First the addresses, then the word: so the other node never has them while we still do.
void Process::act(const char* why) {
    const auto began = Clock::now();
    const std::size_t removed = remove_addresses();
    const std::chrono::duration<double, std::milli> taken = Clock::now() - began;
    send_farewells();
    say(
        fmt::format("poise guardian: {}: {} floating addresses taken away in {:.1f} ms, "
                    "the other node is told\n",
                    why, removed, taken.count()));
}

std::size_t Process::remove_addresses() {
    const auto stored = memory_.addresses.read();
    if (!stored) return 0;
    std::vector<config::FloatingAddress> list;
    for (std::uint32_t i = 0; i < std::min<std::size_t>(stored->count, stored->all.size()); ++i) {
        const StoredAddress& each = stored->all[i];
        list.push_back({.address = address_of(each.ip),
                        .prefix_length = each.prefix_length,
                        .interface = each.interface.data()});
    }
    const std::size_t count = list.size();
    const auto now = Clock::now();
    addresses_.change(std::move(list), now);  // those it had named before are gone already
    const auto outcome = addresses_.release(now);
    for (const AddressProblem& problem : outcome.problems)
        say(fmt::format("poise guardian: {}\n", problem.message));
    return outcome.changed ? count - outcome.problems.size() : 0;
}

void Process::send_farewells() const {
    const auto stored = memory_.farewells.read();
    if (!stored) return;
    const auto count = std::min<std::size_t>(stored->count, stored->all.size());
    for (const milliseconds pause : farewell_pauses) {
        if (pause.count() > 0) ::poll(nullptr, 0, static_cast<int>(pause.count()));
        for (std::size_t i = 0; i < count; ++i)
            send(stored->all[i]);
    }
}

void Process::send(const StoredFarewell& farewell) const {
    const SocketAddress to(address_of(farewell.to_ip, farewell.to_port));
    const Address from = address_of(farewell.from_ip);
    const SocketAddress source(from);
    iovec data{const_cast<std::byte*>(farewell.datagram.data()),  // sendmsg does not write to it
               std::min<std::size_t>(farewell.bytes, farewell.datagram.size())};
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(to.get());
    message.msg_namelen = to.length;
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    SourceControl control;
    if (!from.is_any() && to.family() == AF_INET && source.family() == AF_INET) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, from.ip.data() + 12, 4);
        control.put(message, IPPROTO_IP, IP_PKTINFO, info);
    } else if (!from.is_any() && to.family() == AF_INET6 && source.family() == AF_INET6) {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, from.ip.data(), from.ip.size());
        control.put(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    // One that cannot leave is like one that was lost: the other node counts our silence.
    ::sendmsg(to.family() == AF_INET ? socket_v4_ : socket_v6_, &message, 0);
}

}  // namespace

int run_guardian() {
    struct stat facts{};
    const bool has_memory = ::fstat(guardian_memory_fd, &facts) == 0 && S_ISREG(facts.st_mode) &&
                            facts.st_size == sizeof(GuardianMemory);
    void* const mapped = ::mmap(nullptr, sizeof(GuardianMemory), PROT_READ | PROT_WRITE, MAP_SHARED,
                                guardian_memory_fd, 0);
    if (!has_memory || mapped == MAP_FAILED || ::fcntl(guardian_main_fd, F_GETFD) < 0) {
        say("poise guardian: this command is run by `poise serve` alone\n");
        return 2;
    }
    become_hard_to_kill();
    auto addresses = FloatingAddresses::open({});
    if (!addresses) {
        say(fmt::format("poise guardian: no netlink: {}\n", addresses.error().message()));
        return 1;
    }
    Process process(*static_cast<GuardianMemory*>(mapped), std::move(*addresses));
    return process.run();
}

}  // namespace poise::ha
