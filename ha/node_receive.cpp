// The part of Node::Loop that waits for datagrams and takes them.
#include "ha/node_loop.hpp"

#include <algorithm>
#include <poll.h>
#include <unistd.h>

namespace poise::ha {

using namespace std::chrono_literals;

std::uint64_t Node::Loop::bad_datagrams() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : refused_)
        sum += each;
    for (const Path& path : paths_)
        sum += path.strangers();
    return sum;
}

bool Node::Loop::flooded() const {
    return flooded_before_ || bad_datagrams() - bad_before_ > bad_in_a_tick_max;
}

void Node::Loop::wait_until(Time due) {
    // To wake for each datagram of a flood costs more than to read it: then they are read in
    // batches, and what is good among them waits for a millisecond.
    const bool batches = flooded();
    const short events = batches ? 0 : POLLIN;
    std::vector<pollfd> watched;
    for (const Path& path : paths_)
        watched.push_back({path.fd(), events, 0});
    watched.push_back({wake_fd_, POLLIN, 0});
    auto left = std::max<std::chrono::nanoseconds>(due - Clock::now(), 0ns);
    if (batches) left = std::min<std::chrono::nanoseconds>(left, batch_every);
    const timespec limit{static_cast<time_t>(left / 1s), static_cast<long>(left % 1s / 1ns)};
    ::ppoll(watched.data(), watched.size(), &limit, nullptr);
    for (std::size_t i = 0; i < paths_.size(); ++i)
        if (batches || watched[i].revents != 0) receive(i);
    if (watched.back().revents != 0) {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t n = ::read(wake_fd_, &count, sizeof count);
    }
}

void Node::Loop::receive(std::size_t path) {
    const Time now = Clock::now();
    const std::uint64_t before = member_->ownership().changes();
    paths_[path].receive(
        [&](std::span<const std::uint8_t> datagram) { take(path, datagram, now); });
    // A farewell or a better claim does not wait for the next beat.
    if (member_->react(now, self_) || member_->ownership().changes() != before) {
        apply(now);
        beat(now);
    }
    for (int due = member_->take_answers_due(); due > 0; --due)
        beat(now);
}

void Node::Loop::take(std::size_t path, std::span<const std::uint8_t> datagram, Time now) {
    const auto opened = sealing_->open(static_cast<std::uint8_t>(path), datagram, now);
    if (opened) {
        const State before = member_->peer().beat.state;
        member_->take(path, *opened, now);
        if (opened->kind == Kind::beat && (before == State::active || before == State::yielding))
            sign_of_owner_ = now;
        return;
    }
    ++refused_[static_cast<std::size_t>(opened.error())];
    if (opened.error() == Refused::unknown_key || opened.error() == Refused::forged)
        member_->take_unreadable(!sealing_->has_session() || sealing_->names_session(datagram),
                                 now);
}

}  // namespace poise::ha
