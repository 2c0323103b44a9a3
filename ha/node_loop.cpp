#include "ha/node_loop.hpp"

#include "base/hash.hpp"
#include "base/signals_blocked.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace poise::ha {

using namespace std::chrono_literals;

namespace {

std::vector<std::string> interfaces_of(const std::vector<config::FloatingAddress>& addresses) {
    std::vector<std::string> names;
    for (const auto& address : addresses)
        names.push_back(address.interface);
    return names;
}

MemberSettings member_settings(const NodeSettings& settings) {
    MemberSettings member;
    member.ownership = {.master = settings.cluster.role == config::Role::master,
                        .node_id = hash64(settings.name),
                        .heartbeat = settings.cluster.heartbeat,
                        .failback = settings.cluster.failback == config::Failback::automatic};
    member.paths = settings.cluster.bind.size();
    member.node_name = settings.name;
    member.version = settings.version;
    member.addresses_hash = addresses_hash(settings.addresses);
    return member;
}

}  // namespace

Node::Loop::Loop(NodeSettings settings, NodeEvents events)
    : settings_(std::move(settings)), events_(std::move(events)) {
    assert(!settings_.keys.empty());
    assert(settings_.cluster.bind.size() == settings_.cluster.peers.size());
}

Node::Loop::~Loop() {
    end();
    if (wake_fd_ >= 0) ::close(wake_fd_);
}

std::expected<void, std::string> Node::Loop::open() {
    for (std::size_t i = 0; i < settings_.cluster.bind.size(); ++i) {
        auto path = Path::open(settings_.cluster.bind[i], settings_.cluster.peers[i]);
        if (!path) return std::unexpected(path.error());
        paths_.push_back(std::move(*path));
    }
    auto addresses = FloatingAddresses::open(settings_.addresses);
    if (!addresses) {
        return std::unexpected(fmt::format("floating addresses: cannot talk to the kernel: {}",
                                           addresses.error().message()));
    }
    addresses_ = std::move(*addresses);
    announcer_ = std::make_unique<Announcer>(settings_.addresses);
    if (!settings_.cluster.peers.empty())
        witnesses_ = std::make_unique<WitnessCalls>(settings_.addresses, settings_.cluster.peers);
    change_neighbours(settings_.neighbours);
    links_ = std::make_unique<Links>(interfaces_of(settings_.addresses));
    sealing_ = std::make_unique<Sealing>(settings_.keys, make_boot_nonce());
    member_ = std::make_unique<Member>(member_settings(settings_));
    facts_.stream_port = settings_.stream_port;
    if (settings_.guardian) {
        auto guardian = Guardian::start({});
        if (!guardian) return std::unexpected(guardian.error());
        guardian_ = std::move(*guardian);
        guardian_->set_addresses(settings_.addresses);
    }
    wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd_ < 0) return std::unexpected("cannot make an eventfd for the heartbeat");
    publish(Clock::now());
    return {};
}

void Node::Loop::run_thread() {
    const SignalsBlocked none_here;
    thread_ = std::thread([this] { run(); });
}

void Node::Loop::run() {
    ::pthread_setname_np(::pthread_self(), "poise-pair");
    // A beat that waits for its turn behind the workers would be taken for a dead node.
    const sched_param priority{.sched_priority = 10};
    ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &priority);
    next_tick_ = Clock::now();
    while (true) {
        {
            const std::lock_guard lock(mutex_);
            if (ending_) break;
        }
        wait_until(next_tick_);
        do_posted();
        const Time now = Clock::now();
        if (now >= next_tick_) tick(now);
    }
    addresses_->release(Clock::now());
    announcer_->end();
    say_farewell(Clock::now());
    const std::lock_guard lock(mutex_);
    ended_ = true;
    done_.notify_all();
}

void Node::Loop::post(std::function<void()> work, bool wait) {
    std::unique_lock lock(mutex_);
    if (ended_ || ending_) return;
    bool done = false;
    if (wait) {
        posted_.push_back([this, &work, &done] {
            work();
            const std::lock_guard done_lock(mutex_);
            done = true;
        });
    } else {
        posted_.push_back(std::move(work));
    }
    lock.unlock();  // before the thread is woken: it takes the lock first of all
    wake();
    if (!wait) return;
    lock.lock();
    done_.wait(lock, [&] { return done || ended_; });
}

void Node::Loop::wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_fd_, &one, sizeof one);
}

void Node::Loop::do_posted() {
    std::vector<std::function<void()>> all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(posted_);
    }
    if (all.empty()) return;
    for (const auto& work : all)
        work();
    done_.notify_all();
}

void Node::Loop::end() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    if (wake_fd_ >= 0) wake();
    if (thread_.joinable()) thread_.join();
}

PairStatus Node::Loop::published() const {
    const std::lock_guard lock(mutex_);
    return published_;
}

void Node::Loop::look_at_self(Time now) {
    links_down_ = links_->down();
    const auto usable = std::ranges::count_if(settings_.addresses, [this](const auto& address) {
        return std::ranges::find(links_down_, address.interface) == links_down_.end();
    });
    fitness_.set_links(static_cast<std::size_t>(usable), settings_.addresses.size());
    self_.fit = fitness_.fit(now);
    self_.partly = fitness_.partly(now);
    self_.linked = fitness_.linked();
    const PeerView& peer = member_->peer();
    self_.verified = verified_ && (!peer.heard || peer.beat.config.hash == facts_.config.hash);
    self_.reclaimed = guardian_ && guardian_->has_taken();
    if (self_.reclaimed) {
        addresses_->forget();
        addresses_->release(now);
    }
}

void Node::Loop::tick(Time now) {
    if (guardian_) guardian_->beat();
    look_at_self(now);
    flooded_before_ = bad_datagrams() - bad_before_ > bad_in_a_tick_max;
    bad_before_ = bad_datagrams();
    // Everything that waits counts before silence does.
    for (std::size_t i = 0; i < paths_.size(); ++i)
        paths_[i].receive([&](std::span<const std::uint8_t> datagram) { take(i, datagram, now); });
    if (witnesses_ && witnesses_->heard(now)) member_->take_witness(now);
    member_->tick(now, self_);
    if (witnesses_ && member_->take_question_due(now)) witnesses_->ask(now);
    if (!member_->peer().alive || member_->peer().beat.hears_you) well_heard_ = now;
    if (self_.reclaimed && guardian_->take_back()) self_.reclaimed = false;
    // A beat does not wait for the kernel's lock of its network settings; a change is told when it
    // has been made.
    const bool changed = changes_told_ != member_->ownership().changes();
    if (!changed) beat_as_due(now);
    apply(now);
    if (changed) beat_as_due(now);
    for (const std::string& line : announcer_->tick(now))
        if (!in_switch_over(now)) tell(true, line);
    if (guardian_ && now - looked_after_ > 500ms) {
        looked_after_ = now;
        if (const auto line = guardian_->look_after(now)) tell(true, *line);
    }
    if (now >= publish_at_) publish(now);
    next_tick_ += settings_.cluster.heartbeat;
    if (next_tick_ < now) next_tick_ = now + settings_.cluster.heartbeat;
}

void Node::Loop::apply(Time now) {
    if (member_->ownership().holds() && !self_.reclaimed) {
        hold_addresses(now);
        // A freeze may have come in between.
        if (guardian_ && guardian_->has_taken()) {
            addresses_->forget();
            addresses_->release(now);
        }
        announce_if_due(now);
    } else {
        const AddressOutcome outcome = addresses_->release(now);
        if (outcome.acted) tell_problems(outcome.problems);
        announcer_->end();
    }
    tell_changes(now);
}

void Node::Loop::hold_addresses(Time now) {
    const AddressOutcome outcome = addresses_->hold(lease, now);
    if (!outcome.acted) return;
    tell_problems(outcome.problems);
    judge(outcome.problems, now);
}

// A missing interface is the links' to tell.
void Node::Loop::judge(const std::vector<AddressProblem>& problems, Time now) {
    std::size_t refused = 0;
    for (const AddressProblem& problem : problems) {
        if (std::ranges::find(links_down_, problem.address.interface) != links_down_.end())
            continue;
        ++refused;
        refusal_ = problem.message;
    }
    fitness_.held(refused, now);
    if (fitness_.doubtful()) addresses_->forget();  // asked again at the next tick
}

void Node::Loop::beat_as_due(Time now) {
    for (int due = member_->beats_due(); due > 0; --due)
        beat(now);
}

// Both nodes hold the addresses then, and mean to.
bool Node::Loop::in_switch_over(Time now) const {
    const Ownership& ownership = member_->ownership();
    return ownership.state() == State::yielding ||
           (ownership.planned() && now - ownership.changed_at() < 4 * Ownership::yield_time);
}

void Node::Loop::announce_if_due(Time now) {
    if (member_->ownership().state() == State::yielding) announcer_->end();
    const std::uint64_t due = member_->ownership().announcements();
    if (announcements_done_ == due || member_->ownership().state() != State::active) return;
    announcements_done_ = due;
    announcer_->begin(now);
}

void Node::Loop::tell_changes(Time now) {
    const Ownership& ownership = member_->ownership();
    if (changes_told_ == ownership.changes()) return;
    changes_told_ = ownership.changes();
    OwnerChange change;
    change.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
    change.from = std::exchange(state_told_, ownership.state());
    change.to = ownership.state();
    change.reason = ownership.reason();
    change.epoch = std::max(ownership.claim().epoch,
                            member_->peer().heard ? member_->peer().beat.claim.epoch : 0);
    const bool silent = change.reason == Reason::peer_silent || change.reason == Reason::peer_left;
    if (change.to == State::active && silent && sign_of_owner_ != Time{})
        change.blackout_ms =
            std::chrono::duration<double, std::milli>(Clock::now() - sign_of_owner_).count();
    changes_.insert(changes_.begin(), change);
    if (changes_.size() > owner_changes_kept) changes_.pop_back();
    publish(now);
    if (events_.on_change) events_.on_change(change);
}

void Node::Loop::beat(Time now) {
    sealing_->next_counter();
    member_->sent(sealing_->counter(), now);
    const std::vector<std::uint8_t> content = to_bytes(member_->beat(now, self_, facts_));
    const bool session = sealing_->has_session();
    std::vector<std::vector<std::uint8_t>> goodbyes;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        const auto path = static_cast<std::uint8_t>(i);
        paths_[i].send(sealing_->seal(session ? Kind::beat : Kind::hello, path, content));
        for (const auto& answer : sealing_->answers(path, content))
            paths_[i].send(answer);
        if (session) goodbyes.push_back(sealing_->seal(Kind::farewell, path, content));
    }
    sealing_->hellos_answered();
    if (!guardian_) return;
    std::vector<Farewell> farewells;
    for (std::size_t i = 0; i < goodbyes.size(); ++i)
        farewells.push_back(
            {paths_[i].local(), paths_[i].peer(), std::as_bytes(std::span(goodbyes[i]))});
    guardian_->set_farewell(farewells);
}

// The other node need not wait for silence.
void Node::Loop::say_farewell(Time now) {
    if (!sealing_->has_session()) return;
    sealing_->next_counter();
    const std::vector<std::uint8_t> content = to_bytes(member_->beat(now, self_, facts_));
    for (std::size_t i = 0; i < paths_.size(); ++i)
        paths_[i].send(sealing_->seal(Kind::farewell, static_cast<std::uint8_t>(i), content));
}

void Node::Loop::change_addresses(std::vector<config::FloatingAddress> addresses) {
    const Time now = Clock::now();
    settings_.addresses = std::move(addresses);
    tell_problems(addresses_->change(settings_.addresses, now).problems);
    announcer_->change(settings_.addresses, now);
    if (witnesses_) witnesses_->change(settings_.addresses);
    links_ = std::make_unique<Links>(interfaces_of(settings_.addresses));
    member_->set_addresses_hash(addresses_hash(settings_.addresses));
    if (guardian_) guardian_->set_addresses(settings_.addresses);
    fitness_.forget();  // a reload says that somebody has looked after it
}

void Node::Loop::change_neighbours(std::vector<Address> neighbours) {
    announcer_->set_neighbours(neighbours);
    if (witnesses_) witnesses_->set_servers(std::move(neighbours));
}

void Node::Loop::tell(bool bad, const std::string& line) {
    if (events_.on_line) events_.on_line(bad, line);
}

// Told when they change, not at each try.
void Node::Loop::tell_problems(const std::vector<AddressProblem>& problems) {
    std::vector<std::string> lines;
    for (const AddressProblem& problem : problems)
        lines.push_back(problem.hint.empty() ? problem.message
                                             : problem.message + "; " + problem.hint);
    if (lines == problems_) return;
    for (const std::string& line : lines)
        if (std::ranges::find(problems_, line) == problems_.end()) tell(true, line);
    problems_ = std::move(lines);
}

}  // namespace poise::ha
