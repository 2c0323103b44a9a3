#include "ha/detector.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace poise::ha {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

// Before so many beats the loss is not known well, and a few more may be missing.
constexpr std::size_t known_after = 100;
constexpr int misses_unknown = 5;
// Lateness above this is a fault of its own, not something to wait for. A virtual machine is
// held up for ten milliseconds and more by its host, real-time priority or not.
constexpr microseconds margin_max = 60ms;
constexpr microseconds margin_min = 12ms;
constexpr auto aged_every = 1s;
constexpr double aged_by = 0.97;  // of a margin is left after a second

// Asking too early costs a datagram; each round of asking makes a false takeover rarer.
constexpr microseconds overdue_after(milliseconds heartbeat) {
    return microseconds(heartbeat) * 6 / 5;
}

}  // namespace

void LossHistory::push(bool here) {
    const bool full = size_ == kept;
    if (full && missing(next_)) {
        --lost_;
        if (missing(next_ + 1)) --lost_after_lost_;
    }
    const bool after_lost = size_ > 0 && missing(next_ + kept - 1);
    if (!full) ++size_;
    here_[next_] = here;
    if (!here) ++lost_;
    if (!here && after_lost) ++lost_after_lost_;
    next_ = (next_ + 1) % kept;
    run_ = here ? 0 : run_ + 1;
    burst_ = std::max(burst_, run_);
    if (++since_turn_ == kept) {
        since_turn_ = 0;
        burst_before_ = burst_;
        burst_ = 0;
    }
}

void LossHistory::received(std::uint64_t missing) {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(missing, kept); ++i)
        push(false);
    push(true);
}

double LossHistory::loss() const {
    return size_ == 0 ? 0 : static_cast<double>(lost_) / static_cast<double>(size_);
}

double LossHistory::loss_after_loss() const {
    return (static_cast<double>(lost_after_lost_) + loss()) / (static_cast<double>(lost_) + 1);
}

std::size_t LossHistory::longest_burst() const {
    return std::max(burst_, burst_before_);
}

int misses_allowed(double loss, double after_loss, milliseconds heartbeat) {
    assert(loss >= 0 && loss <= 1 && after_loss >= 0 && after_loss <= 1);
    if (loss >= 1) return misses_max;
    const double beats_a_day = 86'400'000.0 / static_cast<double>(heartbeat.count());
    double rows_a_day = (1 - loss) * beats_a_day * loss;
    for (int misses = 1; misses < misses_max; ++misses) {
        if (rows_a_day < 1 && misses >= misses_min) return misses;
        rows_a_day *= std::max(loss, after_loss);
    }
    return misses_max;
}

Detector::Detector(milliseconds heartbeat, std::size_t paths)
    : heartbeat_(heartbeat), paths_(paths) {
    assert(heartbeat > 0ms);
}

void Detector::received(std::size_t at, std::uint64_t counter, Time now) {
    Path& path = paths_[at];
    if (path.heard && counter <= path.counter) {  // overtaken by a newer one: late, not lost
        path.last = now;
    } else if (path.heard) {
        const std::uint64_t missing = counter - path.counter - 1;
        const auto due = path.last + heartbeat_ * static_cast<std::int64_t>(missing + 1);
        // What waited while this node itself was late tells nothing of the way.
        if (missing < misses_max && path.last >= attentive_since_)
            path.margin =
                std::max(path.margin, std::min(duration_cast<microseconds>(now - due), margin_max));
        path.history.received(missing);
        path.counter = counter;
        path.last = now;
    } else {
        path.history.received(0);
        path.counter = counter;
        path.last = now;
        path.heard = true;
    }
    path.up = true;
    heard_ = alive_ = true;
    leaving_ = doubtful_ = false;
}

void Detector::new_session() {
    for (Path& path : paths_)
        path.heard = false;
    leaving_ = false;
}

void Detector::age(Time now) {
    if (now - aged_ < aged_every) return;
    aged_ = now;
    const auto aged = [](microseconds value) {
        return microseconds(
            static_cast<std::int64_t>(static_cast<double>(value.count()) * aged_by));
    };
    lateness_ = aged(lateness_);
    for (Path& path : paths_)
        path.margin = aged(path.margin);
}

void Detector::tick(Time now) {
    if (!ticked_) attentive_since_ = aged_ = now;
    const auto late = ticked_ ? duration_cast<microseconds>(now - last_tick_ - heartbeat_) : 0us;
    ticked_ = true;
    last_tick_ = now;
    age(now);
    lateness_ = std::max(lateness_, late);
    if (late > heartbeat_) attentive_since_ = now;

    bool alive = false, overdue = true;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        Path& path = paths_[i];
        if (!path.up) continue;
        const auto silent = now - std::max(path.last, attentive_since_);
        path.up = silent < limit(i);
        if (silent < overdue_after(heartbeat_)) overdue = false;
        alive = alive || path.up;
    }
    alive_ = alive && !leaving_;
    doubtful_ = alive_ && overdue;
}

microseconds Detector::limit(std::size_t at) const {
    const Path& path = paths_[at];
    const LossHistory& history = path.history;
    const bool known = history.size() >= known_after;
    // Half a beat more than was lost: a line without any loss so far is not one that has none.
    const double size = static_cast<double>(history.size());
    const double loss = known ? (history.loss() * size + 0.5) / (size + 1) : history.loss();
    const int by_chance = misses_allowed(loss, history.loss_after_loss(), heartbeat_);
    // Single losses beside rare bursts make these look less likely than they are.
    const int by_bursts = static_cast<int>(history.longest_burst()) + 2;
    const int misses =
        std::min(std::max({known ? misses_min : misses_unknown, by_chance, by_bursts}), misses_max);
    return microseconds(heartbeat_ * misses) + std::clamp(path.margin, margin_min, margin_max);
}

microseconds Detector::silence(Time now) const {
    Time last{};
    for (const Path& path : paths_)
        last = std::max(last, path.last);
    return duration_cast<microseconds>(now - last);
}

std::uint16_t Detector::received_permille() const {
    double best = 0;
    for (const Path& path : paths_)
        if (path.up) best = std::max(best, 1 - path.history.loss());
    return static_cast<std::uint16_t>(std::lround(best * 1000));
}

}  // namespace poise::ha
