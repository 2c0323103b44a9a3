#include "l4/flow_teller.hpp"

#include <utility>

namespace poise::l4 {

void FlowTeller::begin(FlowTable& flows) {
    clear(flows);
    queue_.resize(queue_max);
    listening_ = true;
    going_ = Going::everything;
}

void FlowTeller::end(FlowTable& flows) {
    clear(flows);
    std::vector<Change>().swap(queue_);
    listening_ = false;
}

void FlowTeller::clear(FlowTable& flows) {
    take_changes(flows, queue_max, [](Flow&) {});
    going_ = Going::no;
    again_ = false;
    at_ = 0;
    repairs_ = 0;
}

void FlowTeller::add(const FlowTable& flows, Flow& flow, Clock::time_point now) {
    if (!is_news(flows, flow) || !is_worth_it(flows, flow)) return;
    if (count_ < queue_max) {
        queue_[(first_ + count_++) % queue_max] = {flows.number_of(flow), now};
        flow.to_be_told = true;
        return;
    }
    if (is_going()) {
        again_ = true;
        return;
    }
    going_ = Going::repairing;
    ++repairs_;
}

// True: the peer knows everything.
bool FlowTeller::end_round() {
    const bool everything = is_telling_everything();
    going_ = Going::no;
    if (std::exchange(again_, false)) {
        going_ = Going::repairing;
        ++repairs_;
    }
    return everything;
}

}  // namespace poise::l4
