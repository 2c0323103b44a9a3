#include "base/wait_line.hpp"

#include <cassert>

namespace poise {

WaitLine::~WaitLine() {
    assert(empty());
}

bool WaitLine::call_next() {
    if (waiting_.empty()) return false;
    Place& next = waiting_.front();
    waiting_.pop_front();
    ++called_;
    next.waiter_.wake();
    return true;
}

WaitLine::Place::Place(WaitLine& line, Waiter& waiter) : line_(line), waiter_(waiter) {
    line_.waiting_.push_back(*this);
    ++line_.size_;
}

WaitLine::Place::~Place() {
    if (called()) --line_.called_;
    --line_.size_;
}

void WaitLine::Place::wait_on() {
    if (!called()) return;
    --line_.called_;
    line_.waiting_.push_front(*this);
}

}  // namespace poise
