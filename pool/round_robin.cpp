// rr: each candidate in turn.
#include "pool/random.hpp"
#include "pool/schedulers.hpp"
#include "pool/usable.hpp"

namespace poise::pool {

namespace {

class RoundRobin final : public Scheduler {
public:
    explicit RoundRobin(std::uint64_t seed) : next_(mixed(seed)) {}

    void prepare(std::span<RealServer* const>, std::span<RealServer* const> candidates) override {
        candidates_ = candidates;
        next_ = candidates.empty() ? next_ : next_ % candidates.size();
    }

    RealServer* pick(const PickHint& hint) override {
        for (std::size_t seen = 0; seen < candidates_.size(); ++seen) {
            RealServer* server = candidates_[next_];
            if (++next_ == candidates_.size()) next_ = 0;
            if (is_usable(server, hint)) return server;
        }
        return nullptr;
    }

private:
    std::span<RealServer* const> candidates_;
    std::size_t next_;
};

}  // namespace

std::unique_ptr<Scheduler> make_round_robin(std::uint64_t seed) {
    return std::make_unique<RoundRobin>(seed);
}

}  // namespace poise::pool
