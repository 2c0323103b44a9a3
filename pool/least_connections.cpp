// lc and wlc: the candidate with the fewest connections, as such or for its weight.
#include "pool/candidate.hpp"
#include "pool/schedulers.hpp"

namespace poise::pool {

namespace {

class LeastConnections final : public Scheduler {
public:
    LeastConnections(UseWeight use_weight, std::uint64_t seed)
        : use_weight_(use_weight), random_(seed) {}

    void prepare(std::span<RealServer* const>, std::span<RealServer* const> candidates) override {
        collect(candidates, use_weight_, random_, candidates_);
        clock_.reset();
    }

    RealServer* pick(const PickHint& hint) override {
        Candidate* best = nullptr;
        std::uint64_t best_connections = 0;
        for (Candidate& candidate : candidates_) {
            const std::uint32_t connections = candidate.server->connections();
            if (!candidate.usable(connections, hint)) continue;
            if (best != nullptr) {
                // connections / weight by cross-multiplying: no division, no rounding, and both
                // products are below 2^49.
                const auto ours = connections * best->weight;
                const auto theirs = best_connections * candidate.weight;
                if (ours > theirs) continue;
                if (ours == theirs && !candidate.turn.before(best->turn)) continue;
            }
            best = &candidate;
            best_connections = connections;
        }
        if (best == nullptr) return nullptr;
        clock_.take(best->turn);
        return best->server;
    }

private:
    UseWeight use_weight_;
    Random random_;
    FairClock clock_;
    std::vector<Candidate> candidates_;
};

}  // namespace

std::unique_ptr<Scheduler> make_least_connections(std::uint64_t seed) {
    return std::make_unique<LeastConnections>(UseWeight::no, seed);
}

std::unique_ptr<Scheduler> make_weighted_least_connections(std::uint64_t seed) {
    return std::make_unique<LeastConnections>(UseWeight::yes, seed);
}

}  // namespace poise::pool
