// The guardian: a tiny process that sees the main process die or stand still, and then takes the
// floating addresses away and says goodbye in its name.
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace poise::ha {

struct GuardianMemory;

struct GuardianSettings {
    /// The main process counts as frozen when it has not called beat() for this long.
    /// A virtual machine may be held up for tens of milliseconds by its host.
    std::chrono::milliseconds stall_limit{70};
    /// How the guardian's process is started: this program with these words ends up in
    /// run_guardian(). It inherits nothing but two descriptors and the standard error.
    std::vector<std::string> program{"/proc/self/exe", "guardian"};
};

/// A sealed "leaving", and its way: from the address `from` (its port is not used: the guardian
/// has a port of its own, as the main process may still hold that one) to `to`.
struct Farewell {
    Address from;
    Address to;
    std::span<const std::byte> datagram;  // copied; at most 1,472 bytes
};

/// The main process's side. Belongs to the thread that beats.
///
/// The guardian watches the main process by pidfd and by a counter in shared memory. When the
/// main process ends, or stands still for the limit, the guardian removes the floating addresses
/// and then sends each farewell three times within 10 ms. It ends after the main process, and
/// ignores every signal but SIGKILL and SIGSTOP. Should it be killed or frozen itself, look_after()
/// starts another.
class Guardian {
public:
    static std::expected<std::unique_ptr<Guardian>, std::string> start(GuardianSettings settings);

    /// Ends the guardian's process. Release the addresses before: nobody else will now.
    ~Guardian();
    Guardian(const Guardian&) = delete;
    Guardian& operator=(const Guardian&) = delete;

    /// "I go on": call it at each tick, at least five times a stall limit. The first call begins
    /// the watch. Costs an atomic store.
    void beat();

    /// What to remove. At most floating_addresses_max; what is above is left out.
    void set_addresses(std::span<const config::FloatingAddress> addresses);

    /// What to say, and to whom; replaces what was set before. At most 8; call it as often as the
    /// message must be fresh. A few microseconds.
    void set_farewell(std::span<const Farewell> farewells);

    /// The guardian has taken the addresses away, or is about to, because this process stood
    /// still. True until take_back(). Ask it first in each tick, before anything is answered or
    /// held; and once more after the addresses were held, for the freeze may come in between:
    /// when it is true then, release them again.
    bool has_taken() const;

    /// Clears has_taken(): the caller knows that the other node has not taken over, or holds
    /// nothing any more. False while the guardian is still at it: try again in the next tick.
    bool take_back();

    /// Call it about each second or more often. Starts another guardian when this one has died or
    /// stands still, at most one a second; returns a line for the log when it did or could not.
    std::optional<std::string> look_after(std::chrono::steady_clock::time_point now);

    /// It has looked at this process at least once.
    bool is_watching() const;
    pid_t pid() const { return pid_; }  // 0: there is none now

private:
    explicit Guardian(GuardianSettings settings) : settings_(std::move(settings)) {}

    std::expected<void, std::string> make_memory();
    std::expected<void, std::string> spawn();
    bool has_ended();
    void end_process();

    GuardianSettings settings_;
    GuardianMemory* memory_ = nullptr;
    int memory_fd_ = -1;
    int self_fd_ = -1;      // pidfd of this process
    int guardian_fd_ = -1;  // pidfd of the guardian
    pid_t pid_ = 0;
    std::uint64_t looks_seen_ = 0;
    std::chrono::steady_clock::time_point looked_at_{}, started_at_{};
};

/// The guardian's process, from its first line to its last: returns its exit code.
int run_guardian();

}  // namespace poise::ha
