// Which flows the peer of the pair is to be told of: those that changed, in a bounded queue, and
// all of them one after the other when it knows nothing, or when the queue was too short.
#pragma once

#include "l4/flow_record.hpp"
#include "l4/flow_table.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace poise::l4 {

/// On the layer-4 thread. Without a peer note() is one comparison.
///
/// A flow is told when it begins, when its state changes, and again while packets come, each time
/// a quarter of its life has passed: so the peer always believes that it lives at least three
/// quarters as long as it does. Half-open flows are told while there are few of them: a flood of
/// SYNs is not worth the way.
class FlowTeller {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t queue_max = 65'536;  // a power of two
    static constexpr std::size_t half_open_calm = 4'096;
    /// Places of the table that one call of go_through() looks at.
    static constexpr std::size_t places_a_step = 16'384;

    /// A peer listens, who knows nothing: all flows are gone through.
    void begin(FlowTable& flows);
    /// Nobody listens.
    void end(FlowTable& flows);
    bool listening() const { return listening_; }

    /// With each packet of a flow, after it was noted in the table.
    void note(const FlowTable& flows, Flow& flow, Clock::time_point now) {
        if (!listening_ || flow.to_be_told) return;
        if (flow.told == flow.expires) return;
        add(flows, flow, now);
    }

    /// Calls `tell(Flow&)` with the oldest changes, `most` at most; true: there are more.
    template <typename Tell>
    bool take_changes(FlowTable& flows, std::size_t most, const Tell& tell) {
        std::size_t told = 0;
        for (; count_ != 0 && told < most; --count_, ++first_) {
            Flow* const flow = flows.at(queue_[first_ % queue_max].flow);
            if (flow == nullptr || !flow->to_be_told) continue;  // it has ended since
            flow->to_be_told = false;
            flow->told = flow->expires;
            tell(*flow);
            ++told;
        }
        return count_ != 0;
    }

    /// Goes on through all flows; `tell(Flow&)` is called for piece_flows_max at most. True: this
    /// was the last step, and the peer knows everything.
    template <typename Tell>
    bool go_through(FlowTable& flows, const Tell& tell) {
        std::size_t told = 0;
        for (std::size_t looked = 0; looked < places_a_step && told + step <= piece_flows_max;
             looked += step) {
            at_ = flows.visit(at_, step, [&](Flow& flow) {
                if (going_ == Going::repairing && !is_news(flows, flow)) return;
                if (!is_worth_it(flows, flow)) return;
                flow.told = flow.expires;
                tell(flow);
                ++told;
            });
            if (at_ == 0) return end_round();
        }
        return false;
    }

    bool has_changes() const { return count_ != 0; }
    bool is_going() const { return going_ != Going::no; }
    /// What is gone through is everything, for a peer who knew nothing.
    bool is_telling_everything() const { return going_ == Going::everything; }
    bool has_news() const { return has_changes() || is_going(); }
    std::size_t waiting() const { return count_; }
    std::uint64_t repairs() const { return repairs_; }
    /// Of the oldest change in the queue, which is not empty.
    Clock::time_point since() const { return queue_[first_ % queue_max].since; }

private:
    enum class Going : std::uint8_t { no, everything, repairing };
    static constexpr std::size_t step = 64;

    struct Change {
        std::uint32_t flow = 0;
        Clock::time_point since;
    };

    static bool is_news(const FlowTable& flows, const Flow& flow) {
        return flow.told == 0 || (flow.expires - flow.told) * 4 >= flows.ticks_left(flow);
    }
    static bool is_worth_it(const FlowTable& flows, const Flow& flow) {
        if (flow.aside) return false;
        return !FlowTable::is_half_open(flow) || flows.half_open() < half_open_calm;
    }
    void add(const FlowTable& flows, Flow& flow, Clock::time_point now);
    void clear(FlowTable& flows);
    bool end_round();

    bool listening_ = false;
    Going going_ = Going::no;
    bool again_ = false;  // what overflowed may stand where we have been
    std::size_t at_ = 0;  // of the table, where we go on
    std::vector<Change> queue_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::uint64_t repairs_ = 0;
};

}  // namespace poise::l4
