#include "l4/lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace poise::l4 {

namespace {

constexpr std::uint16_t no_link = UINT16_MAX;
constexpr std::size_t syns_when_busy = 16;  // beside a whole batch of other packets
constexpr std::chrono::milliseconds look_interval{100};
constexpr std::chrono::milliseconds exchange_interval{2};  // of flows with the peer, under load
constexpr std::chrono::milliseconds no_room_interval{5};   // until the peer's stream takes more

static_assert(Forwarder::answers_max <= PacketRing::own_max);

void set_to(Counter& counter, std::uint64_t value) {
    counter.add(value - counter.value());
}

}  // namespace

Lane::Lane(ThreadNumber number, std::size_t flows_max, HashKey secret, FlowSync& sync,
           FastPath* fast)
    : number_(number), sync_(sync), forwarder_(number, flows_max, secret, fast) {}

std::expected<std::unique_ptr<Lane>, std::string> Lane::open(ThreadNumber number,
                                                             std::size_t flows_max, HashKey secret,
                                                             FlowSync& sync, FastPath* fast) {
    std::unique_ptr<Lane> lane(new Lane(number, flows_max, secret, sync, fast));
    lane->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->wake_ < 0)
        return std::unexpected(fmt::format("layer 4: no eventfd: {}", std::strerror(errno)));
    return lane;
}

std::expected<void, std::string> Lane::open_tap(Family family, SharedTap& shared) {
    assert(!has_tap(family));
    auto opened = std::make_unique<Tap>();
    for (const Tapped kind : tapped_all) {
        auto ring = PacketRing::open(shape_of(kind, number_.of), family);
        if (!ring) return std::unexpected(ring.error());
        if (shared.program >= 0) {
            auto& group = shared.groups[static_cast<std::size_t>(kind)];
            if (auto done = (*ring)->share(group, shared.program); !done) return done;
        }
        opened->rings[static_cast<std::size_t>(kind)] = std::move(*ring);
    }
    taps_[static_cast<std::size_t>(family)].store(opened.release(), std::memory_order_release);
    ::eventfd_write(wake_, 1);
    return {};
}

Lane::~Lane() {
    stopping_ = true;
    if (thread_.joinable()) {
        ::eventfd_write(wake_, 1);
        thread_.join();
    }
    if (wake_ >= 0) ::close(wake_);
    for (const auto& tap : taps_)
        delete tap.load();
}

void Lane::start() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(),
                         fmt::format("poise-l4-{}", number_.number).c_str());
}

std::function<void()> Lane::waker() const {
    return [fd = wake_] { ::eventfd_write(fd, 1); };
}

void Lane::post(std::function<void(Forwarder&)> work) {
    {
        const std::lock_guard lock(mutex_);
        assert(posted_.size() < posts_max);
        posted_.push_back(std::move(work));
    }
    ::eventfd_write(wake_, 1);
}

void Lane::servers_lost() {
    servers_lost_ = true;
    ::eventfd_write(wake_, 1);
}

bool Lane::watch(const Services& services, std::span<const Link> links) {
    bool all = true;
    for (const Tapped kind : tapped_all) {
        const auto filter = make_filter(services, links, kind);
        for (const auto& one : taps_)
            if (Tap* const tap = one.load(); tap != nullptr && !tap->ring(kind).set_filter(filter))
                all = false;
    }
    return all;
}

void Lane::run() {
    while (!stopping_) {
        const auto now = Forwarder::Clock::now();
        exchange(now);
        const std::size_t passed = pass_packets(now);
        if (now - looked_ >= look_interval || passed == 0) look_around(now);
        if (passed == 0) wait();
    }
}

std::size_t Lane::pass_packets(Forwarder::Clock::time_point now) {
    std::size_t passed = 0;
    for (const auto& one : taps_)
        if (Tap* const tap = one.load(std::memory_order_acquire)) passed += pass_packets(*tap, now);
    return passed;
}

std::size_t Lane::pass_packets(Tap& tap, Forwarder::Clock::time_point now) {
    const std::size_t others = pass_batch(tap.ring(Tapped::others), PacketRing::batch_max, now);
    const std::size_t datagrams =
        pass_batch(tap.ring(Tapped::datagrams), PacketRing::batch_max, now);
    const bool busy = std::max(others, datagrams) == PacketRing::batch_max;
    const std::size_t limit = busy ? syns_when_busy : PacketRing::batch_max;
    return others + datagrams + pass_batch(tap.ring(Tapped::syns), limit, now);
}

// The packets of one receive(): they stand in the ring until all have been sent.
std::size_t Lane::pass_batch(PacketRing& ring, std::size_t limit,
                             Forwarder::Clock::time_point now) {
    const std::span<RingPacket> packets = ring.receive(limit);
    if (packets.empty()) return 0;
    std::array<Input, PacketRing::batch_max> inputs;
    std::array<Verdict, PacketRing::batch_max> verdicts;
    std::array<std::size_t, PacketRing::batch_max> places;  // in `packets`
    std::size_t count = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const std::uint16_t link = link_of(packets[i].interface);
        if (link == no_link) continue;
        inputs[count] = {packets[i].frame, packets[i].offload, link};
        places[count++] = i;
    }
    forwarder_.handle(std::span(inputs).first(count), std::span(verdicts).first(count), now);
    for (std::size_t i = 0; i < count; ++i) {
        if (verdicts[i].action != Action::send) continue;
        packets[places[i]].offload = inputs[i].offload;
        ring.queue(places[i], forwarder_.links()[verdicts[i].link].index);
    }
    send_answers(ring);
    ring.release();
    return packets.size();
}

void Lane::send_answers(PacketRing& ring) {
    for (const Answer& answer : forwarder_.answers())
        ring.queue_own(answer.frame(), forwarder_.links()[answer.link].index);
    forwarder_.clear_answers();
    if (const std::size_t lost = ring.flush(); lost != 0) forwarder_.lost(Drop::send_failed, lost);
}

// Those that no packet has asked for. Any ring sends any packet.
void Lane::send_answers() {
    if (forwarder_.answers().empty()) return;
    for (const auto& one : taps_)
        if (Tap* const tap = one.load(std::memory_order_acquire))
            return send_answers(tap->ring(Tapped::others));
    forwarder_.clear_answers();
}

std::uint16_t Lane::link_of(int interface) {
    const auto& links = forwarder_.links();
    if (last_link_ < links.size() && links[last_link_].index == interface) return last_link_;
    for (std::size_t i = 0; i < links.size(); ++i) {
        if (links[i].index != interface) continue;
        last_link_ = static_cast<std::uint16_t>(i);
        return last_link_;
    }
    return no_link;
}

void Lane::do_posted() {
    std::vector<std::function<void(Forwarder&)>> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(posted_);
    }
    for (const auto& one : work)
        one(forwarder_);
    if (servers_lost_.exchange(false)) forwarder_.servers_lost();
}

// The peer's flows come before the packets that may be theirs. Without a peer: three loads.
void Lane::exchange(Forwarder::Clock::time_point now) {
    if (!sync_.has_adopted(number_.number)) {
        if (now - exchanged_ < exchange_interval) return;
        if (!FlowSync::listening(sync_.era()) && !forwarder_.is_telling()) return;
    }
    exchanged_ = now;
    forwarder_.exchange(sync_, now);
}

// What has its time between packets.
void Lane::look_around(Forwarder::Clock::time_point now) {
    looked_ = now;
    do_posted();
    forwarder_.advance(now);
    send_answers();
    for (const auto& one : taps_) {
        Tap* const tap = one.load(std::memory_order_acquire);
        if (tap == nullptr) continue;
        for (const Tapped kind : tapped_all)
            if (const std::uint64_t lost = tap->ring(kind).take_losses(); lost != 0)
                forwarder_.lost(kind == Tapped::syns ? Drop::syn_ring_full : Drop::ring_full, lost);
    }
    set_to(flows_, forwarder_.flows().size());
    set_to(fast_flows_, forwarder_.fast_flows());
    set_to(flow_bytes_, forwarder_.flows().memory_bytes());
}

void Lane::wait() {
    std::array<pollfd, 1 + tapped_all.size() * family_count> watched{{{wake_, POLLIN, 0}}};
    nfds_t count = 1;
    for (const auto& one : taps_) {
        Tap* const tap = one.load(std::memory_order_acquire);
        if (tap == nullptr) continue;
        for (const auto& ring : tap->rings)
            watched[count++] = {ring->fd(), POLLIN, 0};
    }
    if (::poll(watched.data(), count, wait_limit()) <= 0) return;
    if ((watched[0].revents & POLLIN) == 0) return;
    std::uint64_t calls = 0;
    if (::eventfd_read(wake_, &calls) == 0) do_posted();
}

// In milliseconds.
int Lane::wait_limit() const {
    if (forwarder_.sweeping() || sync_.has_adopted(number_.number)) return 0;
    if (!forwarder_.has_news()) return static_cast<int>(look_interval.count());
    if (!sync_.has_room()) return static_cast<int>(no_room_interval.count());
    return static_cast<int>(exchange_interval.count());
}

}  // namespace poise::l4
