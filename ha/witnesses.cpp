#include "ha/witnesses.hpp"

namespace poise::ha {

void Witnesses::tick(Time now, bool in_doubt) {
    if (!in_doubt) {
        doubt_since_ = {};
        alone_ = false;
        return;
    }
    if (doubt_since_ == Time{}) {
        doubt_since_ = now;
        back_since_ = {};
        counts_ = newest_ != Time{} && now - newest_ <= used_to_answer;
        cut_off_ = false;
    }
    if (!counts_) return;
    if (newest_ <= doubt_since_ || now - newest_ > fresh_for) {
        alone_ = true;
        back_since_ = {};
        cut_off_ = cut_off_ || now - doubt_since_ > answer_limit;
        return;
    }
    if (back_since_ == Time{}) back_since_ = now;
    alone_ = cut_off_ && now - back_since_ < back_for;
}

bool Witnesses::take_question_due(Time now) {
    const bool hurry = doubt_since_ != Time{} && now - doubt_since_ < ask_in_doubt_for;
    if (!hurry && now - asked_ < ask_every) return false;
    asked_ = now;
    return true;
}

}  // namespace poise::ha
