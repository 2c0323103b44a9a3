#include "base/waiter.hpp"

#include "base/engine.hpp"

#include <cassert>

namespace poise {

Waiter::Waiter(Engine& engine) : engine_(engine) {
    engine_.waiters_.push_back(*this);
    cancelled_ = engine_.cancelled_;
}

Waiter::~Waiter() {
    if (use_ != nullptr) use_(handler_, nullptr);  // destroys the handler
}

void Waiter::expires_after(std::chrono::milliseconds limit) {
    timed_out_ = false;
    engine_.expires_after(*this, limit);
}

namespace {

using ReadyHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<ReadyTag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

}  // namespace

void Waiter::wake(Wake why) {
    if (why == Wake::timed_out) timed_out_ = true;
    if (why == Wake::cancelled) cancelled_ = true;
    pending_ = true;
    if (use_ == nullptr) return;  // seen when somebody falls asleep
    if (!static_cast<ReadyHook&>(*this).is_linked()) engine_.ready_.push_back(*this);
}

void Waiter::resume_now() {
    auto& hook = static_cast<ReadyHook&>(*this);
    if (hook.is_linked()) hook.unlink();
    resume();
}

void Waiter::fell_asleep() {
    if (pending_ || timed_out_ || cancelled_) wake(Wake::ready);
}

void Waiter::resume() {
    assert(use_ != nullptr);
    pending_ = false;
    const Wake why = cancelled_ ? Wake::cancelled : timed_out_ ? Wake::timed_out : Wake::ready;
    std::exchange(use_, nullptr)(handler_, &why);
}

}  // namespace poise
