#include "base/wait_line.hpp"

#include <cassert>
#include <iterator>

namespace poise {

WaitLine::~WaitLine() {
    assert(empty());
}

bool WaitLine::call_from(Places::iterator place, const void* freed) {
    for (; place != places_.end(); ++place) {
        const bool good = place->wanted_ == nullptr || freed == nullptr || place->wanted_ == freed;
        if (place->called_ || !good) continue;
        place->called_ = true;
        place->waiter_.wake();
        return true;
    }
    return false;
}

bool WaitLine::call_next(const void* freed) {
    return call_from(places_.begin(), freed);
}

void WaitLine::call_all() {
    for (Place& place : places_) {
        place.called_ = true;
        place.waiter_.wake();
    }
}

WaitLine::Place::Place(WaitLine& line, Waiter& waiter, const void* wanted)
    : line_(line), waiter_(waiter), wanted_(wanted) {
    line_.places_.push_back(*this);
    ++line_.size_;
    if (wanted_ == nullptr) ++line_.open_;
}

WaitLine::Place::~Place() {
    --line_.size_;
    if (wanted_ == nullptr) --line_.open_;
}

void WaitLine::Place::pass_on() {
    called_ = false;
    line_.call_from(std::next(Places::s_iterator_to(*this)), nullptr);
}

}  // namespace poise
