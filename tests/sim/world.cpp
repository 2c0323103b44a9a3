// The clock, the network and the machines of the simulated pair.
#include "tests/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::sim {

using namespace std::chrono_literals;
using ha::State;

namespace {

constexpr auto heartbeat = 10ms;
constexpr Micros step = 1ms;
constexpr Micros lease = 1500ms;
constexpr Micros stall_limit = 50ms;
constexpr std::size_t inbox_max = 200;
// How long two may answer once both hear each other, and how long nobody may while one could.
constexpr Micros two_owners_max = 100ms;
constexpr Micros two_owners_lossy_max = 600ms;
constexpr Micros no_owner_max = 2500ms;
constexpr Micros settled_after = 3000ms;

}  // namespace

World::World(std::uint64_t seed, bool failback, bool witness)
    : random_(seed), failback_(failback), witness_(witness) {
    for (int node : {0, 1})
        start(node);
    heal();
}

void World::start(int node) {
    Machine& machine = machines_[node];
    machine.on = machine.running = true;
    machine.frozen_until = {};
    machine.has_addresses = false;  // what a killed process left is removed first
    machine.boot = ++boots_;
    machine.peer_boot = machine.session_boot = machine.counter = 0;
    machine.inbox.clear();
    machine.witness_asked = false;
    machine.isolated_since = machine.peer_taken_at = machine.witness_taken_at = {};
    machine.self = ha::SelfView{.verified = true};
    machine.fitness = ha::Fitness{};
    machine.renew_at = {};
    machine.next_tick = now_ + Micros(static_cast<int>(chance() * 10'000));
    machine.well_since = now_;
    ha::MemberSettings settings;
    settings.ownership = {.master = node == 0,
                          .node_id = static_cast<std::uint64_t>(node) + 1,
                          .heartbeat = heartbeat,
                          .failback = failback_};
    settings.node_name = node == 0 ? "lb1" : "lb2";
    machine.member = std::make_unique<ha::Member>(settings);
}

void World::kill(int node, bool guardian_lives) {
    Machine& machine = machines_[node];
    if (!machine.running) return;
    if (guardian_lives && machine.on) {
        machine.has_addresses = false;
        send(node, ha::Kind::farewell, to_bytes(ha::Beat{}));
    }
    machine.running = false;
    machine.well_since = now_;
}

void World::power_off(int node) {
    machines_[node].on = machines_[node].running = false;
    machines_[node].has_addresses = false;
    machines_[node].well_since = now_;
}

void World::freeze(int node, Micros duration, bool whole_machine) {
    machines_[node].frozen_until = now_ + duration;
    machines_[node].all_frozen = whole_machine;
    machines_[node].well_since = now_ + duration;
}

void World::set_links(int node, std::size_t down, std::size_t refused) {
    machines_[node].links_down = down;
    machines_[node].refuses = refused;
    machines_[node].well_since = now_;
}

void World::set_witness(int node, bool reached) {
    witness_reached_[node] = reached;
    machines_[node].well_since = now_;
}

void World::look_at_self(Machine& machine) {
    constexpr std::size_t all = Machine::links_in_all;
    machine.fitness.set_links(all - machine.links_down, all);
    machine.self.fit = machine.fitness.fit(now_);
    machine.self.partly = machine.fitness.partly(now_);
    machine.self.linked = machine.fitness.linked();
}

void World::heal() {
    for (const int node : {0, 1})
        if (!witness_reached_[node]) set_witness(node, true);
    for (Way& way : ways_)
        way = Way{};
    ways_good_since_ = now_;
}

void World::send(int node, ha::Kind kind, const std::vector<std::uint8_t>& content) {
    Machine& machine = machines_[node];
    const Way& way = ways_[1 - node];
    Datagram datagram{.to = 1 - node,
                      .from_boot = machine.boot,
                      .for_boot = machine.peer_boot,
                      .kind = kind,
                      .counter = machine.counter,
                      .content = content};
    const int copies = way.repeated > 0 && chance() < way.repeated ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        if (way.cut || chance() < way.loss) continue;
        datagram.at =
            now_ + way.delay +
            Micros(static_cast<std::int64_t>(chance() * static_cast<double>(way.jitter.count())));
        datagram.order = ++orders_;
        in_flight_.push(datagram);
    }
}

void World::deliver(Datagram datagram) {
    Machine& machine = machines_[datagram.to];
    if (!machine.on || !machine.running || machine.inbox.size() >= inbox_max) return;
    machine.inbox.push_back(std::move(datagram));
    if (!machine.frozen(now_)) receive(machine);
}

// What the thread of a node does when a datagram has come.
void World::receive(Machine& machine) {
    take_inbox(machine);
    const bool changed = machine.member->react(now_, machine.self);
    hold(machine);
    for (int due = machine.member->take_answers_due() + (changed ? 1 : 0); due > 0; --due)
        beat(machine);
}

void World::take_inbox(Machine& machine) {
    for (const Datagram& datagram : machine.inbox)
        take(machine, datagram);
    machine.inbox.clear();
}

void World::hold(Machine& machine) {
    machine.has_addresses = machine.member->ownership().holds();
    if (!machine.has_addresses) {
        machine.renew_at = {};
        return;
    }
    machine.lease_until = now_ + lease;
    if (now_ < machine.renew_at) return;
    machine.renew_at = now_ + lease / 6;
    machine.fitness.held(machine.refuses, now_);
    if (machine.fitness.doubtful()) machine.renew_at = {};
}

void World::beat(Machine& machine) {
    ++machine.counter;
    ++beats_;
    send(index(machine), ha::Kind::beat, to_bytes(machine.member->beat(now_, machine.self, {})));
}

// What Sealing does with nonces and windows, without the cryptography.
void World::take(Machine& machine, const Datagram& datagram) {
    if (datagram.for_boot != machine.boot) {  // a hello
        if (datagram.from_boot > machine.peer_boot) machine.peer_boot = datagram.from_boot;
        return;
    }
    const bool anew = datagram.from_boot != machine.session_boot;
    if (anew) {
        if (datagram.kind != ha::Kind::beat || datagram.from_boot < machine.session_boot) return;
        machine.session_boot = machine.peer_boot = datagram.from_boot;
        machine.newest_of_session = 0;
    }
    if (datagram.kind == ha::Kind::farewell && datagram.counter < machine.newest_of_session) return;
    machine.newest_of_session = std::max(machine.newest_of_session, datagram.counter);
    machine.peer_taken_at = now_;
    machine.member->take(0, {datagram.kind, datagram.counter, anew, datagram.content}, now_);
}

bool World::steady(int node, Micros for_at_least) const {
    const Machine& machine = machines_[node];
    return machine.on && machine.running && !machine.frozen(now_) &&
           (!witness_ || witness_reached_[node]) && now_ - machine.well_since >= for_at_least;
}

bool World::well(int node, Micros for_at_least) const {
    const Machine& machine = machines_[node];
    return steady(node, for_at_least) && machine.links_down == 0 && machine.refuses == 0;
}

void World::tick(int node) {
    Machine& machine = machines_[node];
    // A little late always, and now and then a bit more.
    const double late = chance();
    machine.next_tick = std::max(machine.next_tick + heartbeat, now_) +
                        Micros(static_cast<int>(late * late * late * late * 3000)) - 200us;
    look_at_self(machine);
    take_inbox(machine);
    const State before = machine.member->ownership().state();
    ha::Member& member = *machine.member;
    if (machine.witness_asked && witness_reached_[node]) {
        member.take_witness(now_);
        machine.witness_taken_at = now_;
    }
    member.tick(now_, machine.self);
    machine.witness_asked = member.take_question_due(now_) && witness_ && witness_reached_[node];
    machine.self.reclaimed = false;
    if (before != State::active && member.ownership().state() == State::active) check_alone(node);
    const ha::Reason reason = member.ownership().reason();
    if (before != State::active && member.ownership().state() == State::active &&
        reason == ha::Reason::peer_silent && well(1 - node, 1s) && ways_[node].good() &&
        now_ - ways_good_since_ > 1s)
        ++false_takeovers_;
    hold(machine);
    for (int due = member.beats_due(); due > 0; --due)
        beat(machine);
}

// The guardian and the kernel's leases.
void World::guard(int node) {
    Machine& machine = machines_[node];
    if (!machine.on || (machine.all_frozen && machine.frozen(now_))) return;
    if (machine.has_addresses && now_ > machine.lease_until) machine.has_addresses = false;
    if (machine.running && machine.frozen(now_) && now_ - machine.next_tick > stall_limit &&
        !machine.self.reclaimed) {
        machine.has_addresses = false;
        machine.self.reclaimed = true;
        send(node, ha::Kind::farewell, to_bytes(ha::Beat{}));
    }
}

void World::run_for(Micros duration) {
    const Time end = now_ + duration;
    while (now_ < end && broken_.empty()) {
        now_ += step;
        for (int node : {0, 1})
            guard(node);
        while (!in_flight_.empty() && in_flight_.top().at <= now_) {
            deliver(in_flight_.top());
            in_flight_.pop();
        }
        for (int node : {0, 1}) {
            Machine& machine = machines_[node];
            if (machine.on && machine.running && !machine.frozen(now_) && machine.next_tick <= now_)
                tick(node);
        }
        check();
    }
}

int World::answering() const {
    return static_cast<int>(machines_[0].answers(now_)) +
           static_cast<int>(machines_[1].answers(now_));
}

void World::check() {
    if (!ways_[0].good() || !ways_[1].good()) ways_good_since_ = now_;
    for (const int node : {0, 1}) {
        Time& since = machines_[node].isolated_since;
        if (!ways_[node].cut || witness_reached_[node]) {
            since = {};
        } else if (since == Time{}) {
            since = now_;
        }
    }
    check_two_owners();
    check_no_owner();
    check_unfit();
}

void World::check_two_owners() {
    const bool can_talk = now_ > ways_good_since_ && well(0, 0us) && well(1, 0us);
    if (answering() < 2 || !can_talk) {
        two_since_ = now_;
        return;
    }
    const bool lossy = ways_[0].loss > 0 || ways_[1].loss > 0;
    const Micros limit =
        (lossy ? two_owners_lossy_max : two_owners_max) + ways_[0].delay + ways_[1].delay;
    if (now_ - two_since_ > limit)
        broken_ = fmt::format("two nodes answer for {} ms although they hear each other",
                              (now_ - two_since_) / 1ms);
}

// Who was cut off from all before it missed a beat, and had a gateway until then, is to know.
void World::check_alone(int node) {
    const Machine& machine = machines_[node];
    const bool since_before = machine.isolated_since != Time{} &&
                              machine.isolated_since <= machine.peer_taken_at + heartbeat;
    const bool had_witness = machine.peer_taken_at - machine.witness_taken_at < 1s;
    if (witness_ && since_before && had_witness &&
        machine.member->ownership().reason() == ha::Reason::peer_silent)
        broken_ = "a node that is cut off from everybody has claimed the addresses";
}

void World::check_no_owner() {
    const bool one_could = well(0, settled_after) || well(1, settled_after);
    if (answering() > 0 || !one_could) {
        if (one_could && none_since_ != Time{})
            zero_worst_ =
                std::max(zero_worst_, std::chrono::duration_cast<Micros>(now_ - none_since_));
        none_since_ = now_;
        return;
    }
    if (now_ - none_since_ > no_owner_max)
        broken_ = fmt::format("nobody has answered for {} ms although a node is well",
                              (now_ - none_since_) / 1ms);
}

// Nodes that cannot hold all addresses hold what they can, when no other one can hold more.
void World::check_unfit() {
    const auto of_use = [this](int node) {
        return steady(node, settled_after) && machines_[node].able();
    };
    const bool both_know = steady(0, settled_after) && steady(1, settled_after) &&
                           now_ - ways_good_since_ > settled_after;
    const bool held =
        machines_[0].member->ownership().holds() || machines_[1].member->ownership().holds();
    const bool due = both_know ? !held : answering() == 0 && (of_use(0) || of_use(1));
    if (!due) {
        unheld_since_ = now_;
        return;
    }
    if (now_ - unheld_since_ > no_owner_max)
        broken_ = fmt::format("nobody holds the addresses for {} ms although an unfit node could",
                              (now_ - unheld_since_) / 1ms);
}

}  // namespace poise::sim
