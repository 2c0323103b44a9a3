// Which worker serves a client that has just come.
#pragma once

#include "base/address.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace poise::proxy {

struct Generation;
class Worker;

/// A client that one worker has accepted and another one is to serve, by the service that it came
/// to. Its descriptor is closed with it unless it was taken.
struct ArrivingClient {
    ArrivingClient(int fd, const Address& peer, std::shared_ptr<const Generation> generation,
                   std::size_t service, std::size_t listen);
    ~ArrivingClient();
    ArrivingClient(const ArrivingClient&) = delete;
    ArrivingClient& operator=(const ArrivingClient&) = delete;
    int take_fd();

    Address peer;
    std::shared_ptr<const Generation> generation;
    std::size_t service, listen;

private:
    int fd_;
};

/// The clients on their way to one worker. Any thread may announce one; the rest is the worker's.
class ClientArrivals {
public:
    /// A worker that does not get round to so many gets no more.
    static constexpr std::uint32_t most = 64;

    /// A client will be posted. False: there are as many as may be, or the worker takes no more.
    bool announce();
    /// One has come.
    void came() { state_.fetch_sub(1, std::memory_order_relaxed); }
    /// None is announced any more.
    void close() { state_.fetch_or(closed, std::memory_order_relaxed); }
    std::uint32_t count() const { return state_.load(std::memory_order_relaxed) & ~closed; }

private:
    static constexpr std::uint32_t closed = 1U << 31U;
    std::atomic<std::uint32_t> state_{0};
};

/// The worker that is to have the next client of `self`, one of `workers`: another one that has
/// clearly fewer, or room when `self` is full; else `self`. Another one awaits the client then:
/// arrivals.announce() was called.
///
/// The kernel gives connections to the workers' listening sockets by a hash: of 32 clients one of
/// two workers gets 20 or more in one of five cases, and those that stay leave it so.
Worker& choose_worker(Worker& self, std::span<Worker* const> workers);

/// Whether a worker with `own` clients hands the next one to a worker with `least`. Some difference
/// is left as it is: a connection for each request would not be worth the way.
constexpr bool hands_over(std::uint64_t own, std::uint64_t least) {
    return own > least + 1 + least / 8;
}

}  // namespace poise::proxy
