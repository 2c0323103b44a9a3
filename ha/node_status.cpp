// The part of Node::Loop that shows what it knows.
#include "ha/node_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace poise::ha {

namespace {

double in_ms(std::chrono::microseconds time) {
    return static_cast<double>(time.count()) / 1000;
}

// So long another host's claim is shown after it was heard.
constexpr std::chrono::seconds conflict_shown_for{60};

constexpr std::chrono::seconds overlap_max{1};

constexpr const char* unheard_text =
    "the other node does not hear this one: what is sent to it gets lost on its way (a firewall, a "
    "filter, a broken link)";

}  // namespace

// What is wrong now, beside what the kernel has refused.
std::vector<std::string> Node::Loop::troubles(Time now) const {
    std::vector<std::string> lines;
    for (const std::string& name : links_down_)
        lines.push_back(fmt::format(
            "interface {} is down or missing: this node cannot hold its floating addresses", name));
    if (fitness_.distrusted(now))
        lines.push_back(fmt::format(
            "this node counts as unfit, for the kernel has refused: {}; `poise reload` makes it "
            "count again",
            refusal_));
    for (const Conflict& each : announcer_->conflicts()) {
        // At a change of owner the other node may still answer for a moment.
        if (each.last - member_->ownership().changed_at() < overlap_max) continue;
        if (now - each.last > conflict_shown_for) continue;
        lines.push_back(
            fmt::format("another host, {}, claims the floating address {} (heard {} times)",
                        to_string(each.mac), ip_to_string(each.address), each.claims));
    }
    if (unheard(now)) lines.emplace_back(unheard_text);
    return lines;
}

bool Node::Loop::unheard(Time now) const {
    return now - well_heard_ >= unheard_for && well_heard_ != Time{};
}

std::vector<std::string> Node::Loop::unconfirmed_here() const {
    std::vector<std::string> names;
    for (const Unconfirmed& each : announcer_->unconfirmed()) {
        std::string name = ip_to_string(each.neighbour);
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
        if (names.size() == unconfirmed_shown) break;
    }
    return names;
}

void Node::Loop::publish(Time now) {
    publish_at_ = now + publish_every;
    const Ownership& ownership = member_->ownership();
    const PeerView& peer = member_->peer();
    PairStatus status;
    status.node = settings_.name;
    status.state = ownership.state();
    status.master = ownership.claim().master;
    status.verified = self_.verified;
    status.epoch = ownership.claim().epoch;
    status.reason = ownership.reason();
    status.hold = ownership.hold();
    if (!changes_.empty()) status.since_ms = changes_.front().at_ms;
    status.round_trip_ms = in_ms(member_->round_trip());
    status.own_lateness_ms = in_ms(member_->detector().own_lateness());
    if (peer.heard) {
        status.peer = peer.beat.node_name;
        status.peer_state = peer.beat.state;
        status.peer_fit = peer.beat.fit;
        status.peer_lateness_ms = static_cast<double>(peer.beat.lateness_us) / 1000;
        status.peer_received_permille = peer.beat.received_permille;
        status.peer_version = peer.beat.version;
        status.config_equal = peer.beat.config.hash == facts_.config.hash;
    }
    status.peer_alive = peer.alive;
    status.addresses_differ = member_->addresses_differ();
    status.key_problem = peer.unreadable;
    for (const auto& address : settings_.addresses)
        status.addresses.push_back(to_string(address));
    status.problems = problems_;
    status.unconfirmed = unconfirmed_here();
    std::ranges::move(troubles(now), std::back_inserter(status.problems));
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        const Detector& detector = member_->detector();
        status.paths.push_back({to_string(paths_[i].local()), to_string(paths_[i].peer()),
                                detector.path_up(i), detector.loss(i), in_ms(detector.limit(i))});
        status.strangers += paths_[i].strangers();
    }
    if (witnesses_) status.witnesses = witnesses_->status(now);
    status.refused = refused_;
    status.changes = changes_;
    if (status.key_problem != key_problem_) {
        key_problem_ = status.key_problem;
        tell(key_problem_,
             key_problem_ ? "the other node's beats cannot be read: its cluster key is another "
                            "one; this node does not take over until that is mended"
                          : "the other node's beats can be read again");
    }
    if (unheard(now) != unheard_told_) {
        unheard_told_ = unheard(now);
        tell(unheard_told_, unheard_told_ ? unheard_text : "the other node hears this one again");
    }
    const std::lock_guard lock(mutex_);
    published_ = std::move(status);
}

}  // namespace poise::ha
