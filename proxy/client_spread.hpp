// Which worker serves a client that has just come.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace poise::proxy {

class Worker;

/// The kernel gives connections to the workers' listening sockets by a hash: of 32 clients one
/// worker gets 22 as easily as 16, and clients that keep their connections leave it so. So who has
/// clearly more clients than another one hands over those that come.
///
/// Of one worker; any thread may look and ask.
class ClientArrivals {
public:
    /// How many may be on their way to a worker. One that does not get round to them gets no more.
    static constexpr std::uint32_t arriving_max = 64;

    /// A client is on its way here. False: there are as many as may be.
    bool announce();
    /// It has come.
    void came() { arriving_.fetch_sub(1, std::memory_order_relaxed); }
    std::uint32_t arriving() const { return arriving_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint32_t> arriving_{0};
};

/// The worker that is to have the next client of `self`, one of `workers`: another one that has
/// clearly fewer, or has room when `self` is full; else `self`.
Worker& choose_worker(Worker& self, std::span<Worker* const> workers);

/// Whether a worker with `own` clients hands the next one to a worker with `least`. Some difference
/// is left as it is: a connection for each request would not be worth the way.
constexpr bool hands_over(std::uint64_t own, std::uint64_t least) {
    return own > least + 1 + least / 8;
}

}  // namespace poise::proxy
