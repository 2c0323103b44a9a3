// All layer-4 threads.
#pragma once

#include "l4/lane.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace poise::l4 {

/// Belongs to the control thread.
class Lanes {
public:
    /// What they share. All of it outlives them.
    struct Shared {
        FlowSync& sync;
        FastPath* fast_path;  // null: there is none
        int fan_out;          // KernelFanOut's program; with one thread it is not asked
    };

    /// So many, at most threads_max, which have `flows_max` among them.
    static std::expected<std::unique_ptr<Lanes>, std::string> open(unsigned threads,
                                                                   std::size_t flows_max,
                                                                   const Shared& shared);
    /// Stops and waits for them.
    ~Lanes();
    Lanes(const Lanes&) = delete;
    Lanes& operator=(const Lanes&) = delete;

    /// Packets of this family are taken, too, once watch() has said which.
    std::expected<void, std::string> open_tap(Family family);
    /// Has each thread do this soon, between two batches.
    void post(const std::function<void(Forwarder&)>& work);
    /// A server went down or was halted; any number of times.
    void servers_lost();
    /// Which packets are taken from now on; false when the kernel refused.
    bool watch(const Services& services, std::span<const Link> links);

    std::span<const std::unique_ptr<Lane>> all() const { return lanes_; }
    /// Of all of them. Any thread.
    std::uint64_t flows() const;
    std::uint64_t fast_flows() const;
    std::uint64_t drops(Drop reason) const;

private:
    explicit Lanes(const Shared& shared) : shared_(shared) {}

    const Shared shared_;
    std::array<SharedTap, family_count> taps_;
    std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace poise::l4
