#include "ha/ownership.hpp"

#include <algorithm>

namespace poise::ha {

std::string_view word(Reason reason) {
    switch (reason) {
        case Reason::none:
            return "none";
        case Reason::start_alone:
            return "start_alone";
        case Reason::preferred:
            return "preferred";
        case Reason::peer_unfit:
            return "peer_unfit";
        case Reason::peer_silent:
            return "peer_silent";
        case Reason::peer_left:
            return "peer_left";
        case Reason::asked_to_leave:
            return "asked_to_leave";
        case Reason::ordered:
            return "ordered";
        case Reason::failback:
            return "failback";
        case Reason::better_claim:
            return "better_claim";
        case Reason::handed_over:
            return "handed_over";
        case Reason::unfit:
            return "unfit";
        case Reason::froze:
            return "froze";
        case Reason::stopping:
            return "stopping";
    }
    return "";
}

std::string_view word(Hold hold) {
    switch (hold) {
        case Hold::none:
            return "none";
        case Hold::listening:
            return "listening";
        case Hold::unfit:
            return "unfit";
        case Hold::unreadable:
            return "unreadable";
        case Hold::alone:
            return "alone";
        case Hold::deferring:
            return "deferring";
    }
    return "";
}

int Ownership::fitness_of(const PeerView& peer) {
    if (peer.beat.fit) return 2;
    return peer.beat.partly ? 1 : 0;
}

int Ownership::fitness_of(const SelfView& self) {
    if (self.fit) return 2;
    return self.partly ? 1 : 0;
}

// When both are unfit, the one that holds the addresses goes on: somebody must. Without a link and
// without a word of the other node the fault is this node's, and nobody could reach it anyway.
bool Ownership::lets_go(const PeerView& peer, const SelfView& self) {
    if (self.fit) return false;
    if (!peer.alive || !peer.beat.hears_you) return !self.linked;
    return fitness_of(peer) > fitness_of(self);
}

// Of two that are active. Who does not hear this node does not know that it is the fitter one, and
// goes on with what it can hold.
bool Ownership::comes_after(const PeerView& peer, const SelfView& self) const {
    const int ours = fitness_of(self), theirs = fitness_of(peer);
    if ((peer.beat.hears_you || theirs == 0) && ours != theirs) return ours < theirs;
    return claim_ < peer.beat.claim;
}

void Ownership::become(State state, Reason reason, Time now) {
    if (state_ == state) return;
    state_ = state;
    reason_ = reason;
    changed_at_ = now;
    ++changes_;
    if (state == State::active) ++announcements_;
    if (state != State::active) leave_until_ = {};
    idle_since_ = well_since_ = {};
}

void Ownership::claim(Reason reason, bool planned, Time now, const PeerView& peer) {
    const std::uint64_t known = peer.heard ? peer.beat.claim.epoch : 0;
    claim_.epoch = std::max(claim_.epoch, known) + 1;
    planned_ = planned;
    takeover_until_ = {};
    hold_ = Hold::none;
    become(State::active, reason, now);
}

void Ownership::step(Time now, const PeerView& peer, const SelfView& self) {
    if (!started_) {
        started_ = true;
        started_at_ = changed_at_ = now;
    }
    if (leave_until_ != Time{} && now > leave_until_) leave_until_ = {};
    if (takeover_until_ != Time{} && now > takeover_until_) takeover_until_ = {};
    if (holds()) {
        step_holding(now, peer, self);
    } else {
        step_without(now, peer, self);
    }
    peer_was_alive_ = peer.alive;
    peer_was_active_ = peer.alive && peer.beat.state == State::active;
}

void Ownership::step_holding(Time now, const PeerView& peer, const SelfView& self) {
    const bool peer_active = peer.alive && peer.beat.state == State::active;
    if (self.reclaimed) {
        claim_.epoch = std::max(claim_.epoch, peer.heard ? peer.beat.claim.epoch : 0);
        return become(State::standby, Reason::froze, now);
    }
    if (lets_go(peer, self)) return become(State::standby, Reason::unfit, now);
    if (state_ == State::yielding) {
        if (now >= yield_until_ || !peer_active) become(State::standby, Reason::handed_over, now);
        return;
    }
    if (peer_active && comes_after(peer, self)) {
        if (!peer.beat.planned) return become(State::standby, Reason::better_claim, now);
        yield_until_ = now + yield_time;
        return become(State::yielding, Reason::handed_over, now);
    }
    // Neighbours may have heard the other one, or nobody, while we did not hear each other.
    if ((peer.alive && !peer_was_alive_) || (peer_was_active_ && !peer_active)) ++announcements_;
    if (stopped_ && !wishes_to_leave()) become(State::standby, Reason::stopping, now);
}

void Ownership::step_without(Time now, const PeerView& peer, const SelfView& self) {
    hold_ = Hold::none;
    if (stopped_) return;
    if (defers(now, peer, self)) {
        hold_ = Hold::unfit;
        well_since_ = {};
        return;
    }
    Reason reason = Reason::none;
    if (!peer.alive) {
        reason = claim_after(now, peer, self);
    } else if (peer.beat.state == State::active || peer.beat.state == State::yielding) {
        if (state_ == State::listening) become(State::standby, Reason::none, now);
        reason = claim_from(now, peer, self);
    } else {
        reason = claim_beside(now, peer, self);
    }
    if (reason == Reason::none) return;
    const bool planned = peer.alive && peer.beat.state == State::active;
    claim(reason, planned, now, peer);
}

// To a fitter node; but one that hears nobody may think that the silence is its own, and not act.
bool Ownership::defers(Time now, const PeerView& peer, const SelfView& self) {
    const bool idle =
        peer.alive && (peer.beat.state == State::standby || peer.beat.state == State::listening);
    if (!idle) idle_since_ = {};
    if (!peer.alive) return !self.fit && !self.linked;
    if (fitness_of(self) >= fitness_of(peer)) return false;
    if (!idle || peer.beat.hears_you) {
        idle_since_ = {};
        return true;
    }
    if (idle_since_ == Time{}) idle_since_ = now;
    return now - idle_since_ < listen_limit;
}

Reason Ownership::claim_beside(Time now, const PeerView& peer, const SelfView& self) {
    if (takeover_until_ != Time{}) return Reason::ordered;
    if (fitness_of(peer) < fitness_of(self)) return Reason::peer_unfit;
    if (!peer.beat.hears_you && state_ == State::listening && now - started_at_ < listen_limit) {
        hold_ = Hold::listening;  // it may be active by the time that it hears this node
        return Reason::none;
    }
    if (idle_since_ == Time{}) idle_since_ = now;
    const Claim own{0, claim_.master, claim_.node_id};
    const Claim other{0, peer.beat.claim.master, peer.beat.claim.node_id};
    // The other one comes first; a few beats later it has had its chance.
    if (own < other && now - idle_since_ < settings_.heartbeat * 20) {
        hold_ = Hold::deferring;
        return Reason::none;
    }
    return Reason::preferred;
}

Reason Ownership::claim_from(Time now, const PeerView& peer, const SelfView& self) {
    // It says that it is active, and can hold nothing.
    if (fitness_of(peer) == 0 && fitness_of(self) > 0) return Reason::peer_unfit;
    // Who does not hear this node would stay active beside it.
    if (peer.beat.state != State::active || !peer.beat.hears_you) return Reason::none;
    if (peer.beat.wishes_to_leave) return Reason::asked_to_leave;
    if (takeover_until_ != Time{}) return Reason::ordered;
    if (failback_due(now, peer, self)) return Reason::failback;
    return Reason::none;
}

bool Ownership::failback_due(Time now, const PeerView& peer, const SelfView& self) {
    const bool may = settings_.failback && settings_.master && self.fit &&
                     !peer.beat.claim.master && self.verified && reason_ != Reason::handed_over;
    if (!may) {
        well_since_ = {};
        return false;
    }
    if (well_since_ == Time{}) well_since_ = now;
    if (now - well_since_ < failback_after_now_) return false;
    failback_after_now_ = std::min(failback_after_now_ * 2, failback_after_max);
    return true;
}

Reason Ownership::claim_after(Time now, const PeerView& peer, const SelfView& self) {
    if (peer.unreadable && !peer.left) {
        hold_ = Hold::unreadable;
        return Reason::none;
    }
    if (self.alone && !peer.left) {
        hold_ = Hold::alone;
        return Reason::none;
    }
    if (!peer.heard) {
        if (now - started_at_ >= listen_limit) return Reason::start_alone;
        hold_ = Hold::listening;
        return Reason::none;
    }
    return peer.left ? Reason::peer_left : Reason::peer_silent;
}

std::string Ownership::order_takeover(Time now, const PeerView& peer, const SelfView& self,
                                      bool force) {
    if (state_ == State::active) return "this node is active already";
    if (stopped_) return "this node is stopping";
    if (peer.alive ? fitness_of(self) < fitness_of(peer) : !self.fit && !self.linked)
        return "this node cannot hold the floating addresses: see `poise status`";
    if (!force) {
        if (peer.alive && !peer.beat.hears_you)
            return "the other node does not hear this one and would stay active; --force takes "
                   "over all the same";
        if (peer.alive && peer.beat.state == State::active && !self.verified)
            return "settings or state of this node are not yet equal to the active node's; "
                   "--force takes over all the same, and what differs is lost";
        if (!peer.alive && peer.unreadable)
            return "the other node sends, but with another key; --force takes over all the same";
        if (!peer.alive && !peer.left && self.alone)
            return "neither the other node nor the gateway or a server answers: this node may be "
                   "cut off; --force takes over all the same";
    }
    if (force) {
        claim(Reason::ordered, peer.alive && peer.beat.state == State::active, now, peer);
    } else {
        takeover_until_ = now + order_limit;
    }
    return {};
}

std::string Ownership::order_standby(Time now, const PeerView& peer, const SelfView& self) {
    if (state_ != State::active) return "this node is not active";
    if (!peer.alive) return "the other node is not there to take over";
    if (fitness_of(peer) < fitness_of(self)) return "the other node cannot serve now";
    leave_until_ = now + order_limit;
    return {};
}

void Ownership::stop(Time now, const PeerView& peer, const SelfView& self) {
    stopped_ = true;
    if (state_ != State::active) return;
    if (peer.alive && fitness_of(peer) >= fitness_of(self) && peer.beat.hears_you) {
        leave_until_ = now + order_limit / 4;
    } else {
        become(State::standby, Reason::stopping, now);
    }
}

}  // namespace poise::ha
