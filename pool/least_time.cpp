// least_time: the candidate that would answer first, by its past and what it has to do now.
#include "pool/candidate.hpp"
#include "pool/schedulers.hpp"

#include <algorithm>

namespace poise::pool {

namespace {

// Now and then a pick goes by weight alone: a server that was slow once, and is not asked any
// more, would else never get the chance to show that it is fast again.
constexpr std::uint32_t explore_every = 64;

// Bounds that keep load * weight within 64 bits: 27 + 20 + 17.
constexpr std::uint64_t response_us_max = (1U << 27) - 1;
constexpr std::uint64_t connections_counted_max = (1U << 20) - 1;

class LeastTime final : public Scheduler {
public:
    explicit LeastTime(std::uint64_t seed) : random_(seed) {}

    void prepare(std::span<RealServer* const>, std::span<RealServer* const> candidates) override {
        collect(candidates, UseWeight::yes, random_, candidates_);
        clock_.reset();
    }

    RealServer* pick(const PickHint& hint) override {
        const bool explore = ++picks_ % explore_every == 0;
        Candidate* best = nullptr;
        std::uint64_t best_load = 0;
        for (Candidate& candidate : candidates_) {
            const std::uint32_t connections = candidate.server->connections();
            if (!candidate.usable(connections, hint)) continue;
            const auto load = explore ? 0 : load_of(*candidate.server, connections);
            if (best != nullptr) {
                const auto ours = load * best->weight;
                const auto theirs = best_load * candidate.weight;
                if (ours > theirs) continue;
                if (ours == theirs && !candidate.turn.before(best->turn)) continue;
            }
            best = &candidate;
            best_load = load;
        }
        if (best == nullptr) return nullptr;
        clock_.take(best->turn);
        remember(*best->server);
        return best->server;
    }

private:
    // A server that has not answered yet counts as a usual one: as 0 it would get all at once.
    std::uint64_t load_of(const RealServer& server, std::uint64_t connections) const {
        const std::uint64_t measured = server.response_us();
        const auto response = std::min(measured != 0 ? measured : usual_us_, response_us_max);
        return response * (std::min(connections, connections_counted_max - 1) + 1);
    }

    void remember(const RealServer& picked) {
        const std::uint64_t measured = picked.response_us();
        if (measured != 0) usual_us_ = (usual_us_ * 7 + measured) / 8;
    }

    Random random_;
    FairClock clock_;
    std::vector<Candidate> candidates_;
    std::uint64_t usual_us_ = 1'000;
    std::uint32_t picks_ = 0;
};

}  // namespace

std::unique_ptr<Scheduler> make_least_time(std::uint64_t seed) {
    return std::make_unique<LeastTime>(seed);
}

}  // namespace poise::pool
