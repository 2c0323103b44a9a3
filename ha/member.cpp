#include "ha/member.hpp"

#include <algorithm>
#include <utility>

namespace poise::ha {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Member::Member(const MemberSettings& settings)
    : settings_(settings),
      detector_(settings.ownership.heartbeat, settings.paths),
      ownership_(settings.ownership) {}

bool Member::take(std::size_t path, const Opened& opened, Time now) {
    const auto beat = beat_from_bytes(opened.content);
    if (!beat) return false;
    // Perhaps a repetition: it tells only that keys are the same.
    if (opened.kind == Kind::hello) return true;
    if (opened.kind == Kind::farewell) {
        detector_.leaving();
        peer_.left = true;
        return true;
    }
    if (opened.new_session) {
        detector_.new_session();
        newest_ = 0;
    }
    detector_.received(path, opened.counter, now);
    peer_.left = false;
    unreadable_ = 0;
    if (opened.counter <= newest_) return true;  // known from another path
    newest_ = opened.counter;
    newest_at_ = now;
    peer_.heard = true;
    peer_.beat = *beat;
    if (beat->asks) asked_ = std::min(asked_ + 1, answers_max);
    measure_round_trip(*beat, now);
    return true;
}

void Member::measure_round_trip(const Beat& beat, Time now) {
    if (beat.echo_counter == 0 || beat.echo_counter > sent_ ||
        sent_ - beat.echo_counter >= sent_kept)
        return;
    const auto passed = duration_cast<microseconds>(now - sent_at_[beat.echo_counter % sent_kept]);
    const auto there = passed - microseconds(beat.echo_age_us);
    if (there < microseconds::zero()) return;
    round_trip_ = round_trip_ == microseconds::zero() ? there : (round_trip_ * 7 + there) / 8;
}

void Member::take_unreadable(bool counts, Time now) {
    if (!counts) return;
    if (unreadable_ == 0 || now - unreadable_at_ > unreadable_for) {
        unreadable_ = 0;
        unreadable_since_ = now;
    }
    ++unreadable_;
    unreadable_at_ = now;
}

void Member::look_at_peer(Time now) {
    peer_.alive = detector_.alive();
    peer_.unreadable = unreadable_ >= unreadable_min && now - unreadable_at_ <= unreadable_for;
}

SelfView Member::with_witnesses(const SelfView& self) const {
    SelfView view = self;
    view.alone = self.alone || witnesses_.alone();
    return view;
}

int Member::take_answers_due() {
    return asked_ - std::exchange(answered_, asked_);
}

void Member::tick(Time now, const SelfView& self) {
    asked_ = answered_ = 0;
    detector_.tick(now);
    look_at_peer(now);
    witnesses_.tick(now, detector_.doubtful() || !detector_.alive());
    ownership_.step(now, peer_, with_witnesses(self));
}

void Member::sent(std::uint64_t counter, Time now) {
    sent_ = counter;
    sent_at_[counter % sent_kept] = now;
}

bool Member::react(Time now, const SelfView& self) {
    const std::uint64_t before = ownership_.changes();
    look_at_peer(now);
    ownership_.step(now, peer_, with_witnesses(self));
    return ownership_.changes() != before;
}

Beat Member::beat(Time now, const SelfView& self, const SelfFacts& facts) const {
    Beat beat;
    beat.claim = ownership_.claim();
    beat.state = ownership_.state();
    beat.fit = self.fit;
    beat.partly = !self.fit && self.partly;
    beat.wishes_to_leave = ownership_.wishes_to_leave();
    beat.planned = ownership_.planned();
    beat.hears_you = peer_.alive;
    beat.asks = detector_.doubtful();
    beat.verified = self.verified;
    beat.received_permille = detector_.received_permille();
    beat.lateness_us = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(detector_.own_lateness().count(), 0, 0xffffffff));
    beat.progress = facts.progress;
    beat.echo_counter = newest_;
    beat.echo_age_us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        duration_cast<microseconds>(now - newest_at_).count(), 0, 0xffffffff));
    beat.config = facts.config;
    beat.addresses_hash = settings_.addresses_hash;
    beat.watermark = facts.watermark;
    beat.stream_port = facts.stream_port;
    beat.node_name = settings_.node_name;
    beat.version = settings_.version;
    return beat;
}

std::string Member::order_takeover(Time now, const SelfView& self, bool force) {
    return ownership_.order_takeover(now, peer_, with_witnesses(self), force);
}

std::string Member::order_standby(Time now, const SelfView& self) {
    return ownership_.order_standby(now, peer_, self);
}

void Member::stop(Time now, const SelfView& self) {
    ownership_.stop(now, peer_, self);
}

}  // namespace poise::ha
