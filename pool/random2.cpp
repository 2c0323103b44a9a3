// random2: draw two by weight, take the less loaded. Cheap whatever the size of the pool, and
// workers that know little of each other do not all run to the same server.
#include "pool/candidate.hpp"
#include "pool/schedulers.hpp"

#include <utility>

namespace poise::pool {

namespace {

// Draws that may hit full or tried servers before we look at all of them instead.
constexpr int draws_max = 6;

class Random2 final : public Scheduler {
public:
    explicit Random2(std::uint64_t seed) : random_(seed) {}

    void prepare(std::span<RealServer* const>, std::span<RealServer* const> candidates) override {
        collect(candidates, UseWeight::yes, random_, candidates_);
        fill_columns();
    }

    RealServer* pick(const PickHint& hint) override {
        if (candidates_.empty()) return nullptr;
        const Candidate* first = nullptr;
        for (int drawn = 0; drawn < draws_max; ++drawn) {
            const Candidate& candidate = draw();
            if (&candidate == first) continue;
            if (!candidate.usable(candidate.server->connections(), hint)) continue;
            if (first != nullptr) return less_loaded(candidate, *first).server;
            first = &candidate;
        }
        return first != nullptr ? first->server : pick_among_all(hint);
    }

private:
    // A column belongs to one candidate up to `share` of 2^32, and to `other` above it (Walker's
    // alias method): drawing by weight takes one look, however many candidates there are.
    struct Column {
        std::uint64_t share;
        std::uint32_t other;
    };

    const Candidate& draw() {
        const std::uint64_t bits = random_.next();
        const auto count = static_cast<std::uint64_t>(columns_.size());
        const auto at = static_cast<std::uint32_t>(((bits >> 32) * count) >> 32);
        const Column& column = columns_[at];
        return candidates_[(bits & 0xffffffffU) < column.share ? at : column.other];
    }

    static const Candidate& less_loaded(const Candidate& a, const Candidate& b) {
        const auto a_load = a.server->connections() * b.weight;
        const auto b_load = b.server->connections() * a.weight;
        // The first drawn wins a tie: so an idle pool is shared by weight.
        return a_load < b_load ? a : b;
    }

    RealServer* pick_among_all(const PickHint& hint) {
        const auto count = static_cast<std::uint32_t>(candidates_.size());
        const Candidate* best = nullptr;
        auto at = random_.below(count);
        for (std::uint32_t seen = 0; seen < count; ++seen) {
            const Candidate& candidate = candidates_[at];
            if (++at == count) at = 0;
            if (!candidate.usable(candidate.server->connections(), hint)) continue;
            best = best == nullptr ? &candidate : &less_loaded(candidate, *best);
        }
        return best != nullptr ? best->server : nullptr;
    }

    void fill_columns() {
        const std::uint64_t count = candidates_.size();
        std::uint64_t total = 0;
        for (const Candidate& candidate : candidates_)
            total += candidate.weight;
        columns_.assign(count, {std::uint64_t{1} << 32, 0});
        // Each column holds `total` units; a candidate has weight * count of them.
        std::vector<std::uint64_t> units;
        std::vector<std::uint32_t> poor, rich;
        for (std::uint32_t i = 0; i < count; ++i) {
            units.push_back(candidates_[i].weight * count);
            (units[i] < total ? poor : rich).push_back(i);
        }
        while (!poor.empty() && !rich.empty()) {
            const auto small = poor.back();
            const auto large = rich.back();
            poor.pop_back();
            columns_[small] = {(units[small] << 32) / total, large};
            units[large] -= total - units[small];
            if (units[large] >= total) continue;
            rich.pop_back();
            poor.push_back(large);
        }
    }

    Random random_;
    std::vector<Candidate> candidates_;
    std::vector<Column> columns_;
};

}  // namespace

std::unique_ptr<Scheduler> make_random2(std::uint64_t seed) {
    return std::make_unique<Random2>(seed);
}

}  // namespace poise::pool
