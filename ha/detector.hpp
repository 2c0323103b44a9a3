// Whether the other node is still there, from when its beats came. Pure: times in, answers out.
//
// k beats in a row must be missing, where k follows the measured loss, how much of it comes in
// bursts, and the longest of them; and a margin follows how late beats come here.
#pragma once

#include "ha/beat.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace poise::ha {

/// The beats of one path, received and missing: the newest `kept`.
class LossHistory {
public:
    static constexpr std::size_t kept = 1024;

    /// One has come, after `missing` that have not.
    void received(std::uint64_t missing);

    std::size_t size() const { return size_; }
    /// Of those kept; 0 to 1.
    double loss() const;
    /// How likely the beat after a missing one is missing, too: what was counted, and loss() as if
    /// it had been seen once more, so that a single miss tells nothing of bursts. 0 to 1.
    double loss_after_loss() const;
    /// The most beats in a row that were missing.
    std::size_t longest_burst() const;

private:
    void push(bool here);
    bool missing(std::size_t at) const { return !here_[at % kept]; }

    std::bitset<kept> here_;
    std::size_t next_ = 0, size_ = 0, lost_ = 0;
    std::size_t lost_after_lost_ = 0;  // pairs of neighbours, both of them kept
    // Recounted when the history has turned over, not at each beat.
    std::size_t burst_ = 0, burst_before_ = 0, run_ = 0, since_turn_ = 0;
};

constexpr int misses_min = 3;
constexpr int misses_max = 20;

/// How many beats in a row may be missing until the node counts as gone, so that less than one such
/// row comes by chance a day, on a line that loses `loss` (0 to 1) of all beats and
/// `after_loss` (likewise) of those that follow a lost one. It knows two kinds of beats only: of a
/// line that loses many single ones beside rare bursts it thinks too well.
int misses_allowed(double loss, double after_loss, std::chrono::milliseconds heartbeat);

/// One a peer.
class Detector {
public:
    /// `paths` of 0, for a node that is alone, to paths_max.
    Detector(std::chrono::milliseconds heartbeat, std::size_t paths);

    /// An authentic beat. `counter` rises by one at each beat of the peer.
    void received(std::size_t path, std::uint64_t counter, Time now);
    /// The peer has started anew: its counters do too.
    void new_session();
    /// It has said that it goes.
    void leaving() {
        leaving_ = true;
        alive_ = false;
    }

    /// To be called at each heartbeat, after all datagrams that wait have been read. When the
    /// call itself comes late, the silence may be ours: it counts from now on only.
    void tick(Time now);

    /// There has been a beat, ever.
    bool heard() const { return heard_; }
    /// Not silent for too long on all paths, and has not said that it leaves.
    bool alive() const { return alive_; }
    /// Alive as far as is known, but a beat is overdue on every path: time to ask for an answer.
    bool doubtful() const { return doubtful_; }

    /// Silence on `path` that counts as the end, at the loss and lateness measured now.
    std::chrono::microseconds limit(std::size_t path) const;
    double loss(std::size_t path) const { return paths_[path].history.loss(); }
    bool path_up(std::size_t path) const { return paths_[path].up; }
    /// Smallest over the paths.
    std::chrono::microseconds silence(Time now) const;
    /// How late this node's own ticks come, the most of lately.
    std::chrono::microseconds own_lateness() const { return lateness_; }
    /// How many of the peer's newest beats have come, on the best path.
    std::uint16_t received_permille() const;

private:
    struct Path {
        LossHistory history;
        Time last{};
        std::uint64_t counter = 0;
        bool heard = false;  // in this session
        bool up = false;
        std::chrono::microseconds margin{0};  // how late beats come, the most of lately
    };

    void age(Time now);

    std::chrono::milliseconds heartbeat_;
    std::vector<Path> paths_;
    Time attentive_since_{}, last_tick_{}, aged_{};
    std::chrono::microseconds lateness_{0};
    bool heard_ = false, alive_ = false, doubtful_ = false, leaving_ = false, ticked_ = false;
};

}  // namespace poise::ha
