// A layer-4 thread: takes packets from its ring, has the forwarder decide, sends them on.
#pragma once

#include "l4/forwarder.hpp"
#include "l4/packet_ring.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace poise::l4 {

/// What the rings of several threads need to share one family's packets.
struct SharedTap {
    int program = -1;  // that shares them out (KernelFanOut); -1: there is but one thread
    std::array<std::uint16_t, tapped_all.size()> groups{};  // 0: none yet
};

/// Made, started and ended by the control thread.
class Lane {
public:
    /// The most work that may wait; more is a bug of the caller.
    static constexpr std::size_t posts_max = 1'024;

    /// `sync` and `fast` outlive it; without a fast path this is null.
    static std::expected<std::unique_ptr<Lane>, std::string> open(ThreadNumber number,
                                                                  std::size_t flows_max,
                                                                  HashKey secret, FlowSync& sync,
                                                                  FastPath* fast);
    /// Packets of this family are taken too, once watch() has said which; no more than once each.
    /// The taps of several threads are one: `shared` is of the family, and the same for all of
    /// them.
    std::expected<void, std::string> open_tap(Family family, SharedTap& shared);
    bool has_tap(Family family) const { return tap(family) != nullptr; }
    /// Stops and waits for the thread.
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// Starts the thread, named poise-l4-0 and so on, with all signals blocked.
    void start();
    /// Makes it look for work. Any thread.
    std::function<void()> waker() const;
    /// Has the thread do this soon, between two batches.
    void post(std::function<void(Forwarder&)> work);
    /// A server went down or was halted; any number of times.
    void servers_lost();
    /// Which packets are taken from now on; false when the kernel refused.
    bool watch(const Services& services, std::span<const Link> links);

    /// Flows, and what the forwarder counts beside the services. Any thread.
    std::uint64_t flows() const { return flows_.value(); }
    std::uint64_t fast_flows() const { return fast_flows_.value(); }
    std::uint64_t flow_bytes() const { return flow_bytes_.value(); }
    std::uint64_t drops(Drop reason) const {
        return forwarder_.drops()[static_cast<std::size_t>(reason)].value();
    }
    const LastDrops& last_drops() const { return forwarder_.last_drops(); }

private:
    /// Where packets of one family come in, from the control thread's hands to ours.
    struct Tap {
        std::array<std::unique_ptr<PacketRing>, tapped_all.size()> rings;

        PacketRing& ring(Tapped kind) const { return *rings[static_cast<std::size_t>(kind)]; }
    };

    Lane(ThreadNumber number, std::size_t flows_max, HashKey secret, FlowSync& sync,
         FastPath* fast);

    Tap* tap(Family family) const {
        return taps_[static_cast<std::size_t>(family)].load(std::memory_order_acquire);
    }
    void run();
    std::size_t pass_packets(Forwarder::Clock::time_point now);
    std::size_t pass_packets(Tap& tap, Forwarder::Clock::time_point now);
    std::size_t pass_batch(PacketRing& ring, std::size_t limit, Forwarder::Clock::time_point now);
    void send_answers(PacketRing& ring);
    void send_answers();
    void do_posted();
    void exchange(Forwarder::Clock::time_point now);
    void look_around(Forwarder::Clock::time_point now);
    void wait();
    int wait_limit() const;
    std::uint16_t link_of(int interface);

    const ThreadNumber number_;
    FlowSync& sync_;
    Forwarder forwarder_;
    // Set once, by the control thread; deleted with this.
    std::array<std::atomic<Tap*>, family_count> taps_{};
    int wake_ = -1;  // an eventfd
    std::atomic<bool> stopping_{false};
    std::atomic<bool> servers_lost_{false};
    std::mutex mutex_;  // guards posted_
    std::vector<std::function<void(Forwarder&)>> posted_;
    Counter flows_;
    Counter fast_flows_;
    Counter flow_bytes_;
    Forwarder::Clock::time_point looked_;
    Forwarder::Clock::time_point exchanged_;
    std::uint16_t last_link_ = 0;
    std::thread thread_;
};

}  // namespace poise::l4
