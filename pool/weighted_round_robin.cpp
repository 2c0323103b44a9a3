// wrr: in turn, in proportion to weight, spread evenly.
#include "pool/random.hpp"
#include "pool/schedulers.hpp"
#include "pool/usable.hpp"

#include <vector>

namespace poise::pool {

namespace {

// Each usable server earns its weight at a pick; the richest is picked and pays what all have
// earned. So in any stretch of picks each gets its share, but for one or two.
class WeightedRoundRobin final : public Scheduler {
public:
    explicit WeightedRoundRobin(std::uint64_t seed) : random_(seed) {}

    void prepare(std::span<RealServer* const>, std::span<RealServer* const> candidates) override {
        entries_.clear();
        for (RealServer* server : candidates) {
            const std::uint32_t weight = server->effective_weight();
            if (weight == 0) continue;
            // A random start sets workers out of step, and keeps many changes in a row (slow
            // start) from favouring the first server each time.
            entries_.push_back({server, weight, -std::int64_t{random_.below(weight)}});
        }
    }

    RealServer* pick(const PickHint& hint) override {
        Entry* best = nullptr;
        std::int64_t earned = 0;
        for (Entry& entry : entries_) {
            // One that cannot be picked earns nothing: its credit stays bounded.
            if (!is_usable(entry.server, hint)) continue;
            entry.credit += entry.weight;
            earned += entry.weight;
            if (best == nullptr || entry.credit > best->credit) best = &entry;
        }
        if (best == nullptr) return nullptr;
        best->credit -= earned;
        return best->server;
    }

private:
    struct Entry {
        RealServer* server;
        std::int64_t weight;
        std::int64_t credit;
    };

    std::vector<Entry> entries_;
    Random random_;
};

}  // namespace

std::unique_ptr<Scheduler> make_weighted_round_robin(std::uint64_t seed) {
    return std::make_unique<WeightedRoundRobin>(seed);
}

}  // namespace poise::pool
