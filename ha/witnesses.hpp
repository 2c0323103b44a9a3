// Whether this node is alone on the network: neither the other node nor a witness answers. Pure.
//
// A witness is the gateway or a real server. It is asked now and then, and at each heartbeat while
// a beat of the other node is overdue: an answer that came after that says that the silence is
// the other node's, before the silence is long enough for a takeover. So it costs no time.
#pragma once

#include "ha/beat.hpp"

#include <chrono>

namespace poise::ha {

/// One a node; all witnesses together, for one that answers is enough.
class Witnesses {
public:
    using Duration = std::chrono::milliseconds;
    static constexpr Duration ask_every{200};
    static constexpr Duration ask_in_doubt_for{2000};  // at each heartbeat; then as always
    static constexpr Duration used_to_answer{2000};    // before the doubt, or it counts for nothing
    static constexpr Duration answer_limit{150};       // later, and this node was cut off
    static constexpr Duration fresh_for{500};
    static constexpr Duration back_for{500};  // after a cut the other node's beats come first

    /// One of them has answered this node.
    void answered(Time now) { newest_ = now; }

    /// Once a heartbeat. `in_doubt`: a beat of the other node is overdue, or it is gone.
    void tick(Time now, bool in_doubt);

    /// Whether to ask now; the caller does then.
    bool take_question_due(Time now);

    /// No witness has answered since the doubt began, though one had until then; or they answer
    /// again, and the other node has not had the time to be heard as well.
    bool alone() const { return alone_; }

private:
    Time newest_{}, asked_{};
    Time doubt_since_{}, back_since_{};  // the epoch: there is none
    bool counts_ = false, alone_ = false, cut_off_ = false;
};

}  // namespace poise::ha
