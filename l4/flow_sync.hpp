// Between the layer-4 threads and the thread that talks to the peer of the pair: flows that are to
// be told, and flows that were told to us.
//
//   the active node                                      the standby
//   forwarder -> FlowSync -> take() -> (a stream) -> adopt() -> FlowSync -> forwarder
//
// The active node's side:   begin() when a peer is there, take() often, end() when it is gone.
// The standby's side:       adopt() with the bytes in the order in which take() gave them.
#pragma once

#include "l4/flow_record.hpp"
#include "l4/thread_of.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace poise::l4 {

/// What adopt() says when it did not take the bytes.
enum class AdoptFailure : std::uint8_t {
    full,       // the layer-4 thread is behind: bring the same bytes again a little later
    malformed,  // the stream is broken: close it, nothing of these bytes was taken
    version,    // the peer is of a version whose flows we cannot read: so is this
};
std::string_view name(AdoptFailure failure);

/// How the telling of flows goes. Numbers but `waiting` count from the last begin() on.
struct TellStatus {
    bool begun = false;
    bool complete = false;            // everything was told once; only changes follow
    std::uint64_t sequence = 0;       // of the last piece that was taken: the watermark
    std::uint64_t told = 0;           // flows taken, a flow as often as it changed
    std::uint64_t waiting = 0;        // flows that have changed and are not yet taken
    std::uint64_t repairs = 0;        // times the queue overflowed, so that all flows are looked at
    std::chrono::milliseconds lag{};  // the age of the oldest change that waits
};

/// How the adoption of the peer's flows goes. Counts from the start of the program on.
struct AdoptStatus {
    std::uint64_t sequence = 0;       // of the last piece all of whose flows are in our table
    bool complete = false;            // the peer has told everything once since its begin()
    std::uint64_t waiting = 0;        // flows that adopt() took and the layer-4 thread did not yet
    std::uint64_t adopted = 0;        // new to us
    std::uint64_t updated = 0;        // known, and now as the peer has them
    std::uint64_t older = 0;          // known, and newer here: left as they are
    std::uint64_t no_service = 0;     // dropped: nothing in our configuration listens there
    std::uint64_t no_server = 0;      // dropped: the service has no such server here
    std::uint64_t no_room = 0;        // dropped: the table is full
    std::uint64_t link_unknown = 0;   // adopted, but no interface here has the peer's name for it
    std::uint64_t pieces_missed = 0;  // gaps in the peer's sequence
};

/// Flows on their way between two threads, in batches: each side takes the lock for one of them,
/// and a layer-4 thread never within a batch of packets. Bounded both ways. The peer may have
/// another number of such threads: each flow is brought to the one that will have its packets.
class FlowSync {
public:
    using Clock = std::chrono::steady_clock;

    /// Pieces that wait to be taken. With so many the layer-4 thread waits, and keeps what changes
    /// in a queue of its own.
    static constexpr std::size_t told_pieces_max = 64;
    /// Pieces that wait for a layer-4 thread. With more adopt() says `full`.
    static constexpr std::size_t adopted_pieces_max = 64;

    // --- the thread of the pair ---------------------------------------------------------------

    /// A peer who knows nothing listens: it is told everything, and each change meanwhile and from
    /// then on. May be called again at any time, to begin anew.
    void begin();
    /// Nobody listens: nothing is kept for it.
    void end();
    /// What is to be said next: whole pieces in their order, at most `bytes_most` bytes, or one
    /// piece when that is larger; empty when there is nothing to say. Never blocks. To be called
    /// often (each few milliseconds), until it is empty or the stream does not take more.
    std::vector<std::uint8_t> take(std::size_t bytes_most, Clock::time_point now);
    /// Flows of the peer: whole pieces, one or more, in the order of its take(). All are taken or
    /// none. Never blocks.
    std::expected<void, AdoptFailure> adopt(std::span<const std::uint8_t> pieces);

    /// Any thread.
    TellStatus telling(Clock::time_point now) const;
    AdoptStatus adopting() const;

    // --- the control thread -------------------------------------------------------------------

    /// From now on so many layer-4 threads do their part; each one's function is called when there
    /// is work for it, on any thread, and must not call back. Before that, and after detach(),
    /// there are no flows: the peer is told so, and its own are dropped.
    void attach(std::vector<std::function<void()>> wakes);
    void detach();

    // --- a layer-4 thread, by its number ------------------------------------------------------

    /// Counts the calls of begin() and end(): odd while a peer listens. Without a lock.
    std::uint32_t era() const { return era_.load(std::memory_order_acquire); }
    static bool listening(std::uint32_t era) { return era % 2 != 0; }
    bool has_room() const { return told_count_.load(std::memory_order_relaxed) < told_pieces_max; }
    bool has_adopted(unsigned thread) const {
        return adopted_counts_[thread].load(std::memory_order_acquire) != 0;
    }

    /// Flows for the peer, piece_flows_max at most, as of `now`; the oldest of these changes is of
    /// `since`. Forgotten when `era` is over. Each thread says once that everything ends.
    void tell(std::uint32_t era, PieceKind kind, std::vector<FlowRecord> flows,
              Clock::time_point now, Clock::time_point since);
    /// How many changes wait beyond those told, since when, and how often all must be looked at.
    void note_waiting(unsigned thread, std::uint64_t count, Clock::time_point since,
                      std::uint64_t repairs);
    /// The next piece of the peer's, with those of its flows that are the thread's.
    std::optional<FlowPiece> next_adopted(unsigned thread);
    /// What became of the last one's flows.
    void note_adopted(unsigned thread, const AdoptStatus& counts);

private:
    struct Told {
        PieceKind kind = PieceKind::changes;
        std::vector<FlowRecord> flows;
        Clock::time_point when;
        Clock::time_point since;
    };

    // What is one layer-4 thread's.
    struct Side {
        std::function<void()> wake;
        std::deque<FlowPiece> adopted;
        std::uint64_t adopted_waiting = 0;  // flows in `adopted`
        AdoptStatus adopting;
        std::uint64_t behind = 0;  // flows that the thread keeps
        Clock::time_point behind_since;
        std::uint64_t repairs = 0;
    };

    void forget_told();
    void forget_adopted();
    bool has_room_for(std::size_t pieces) const;
    void share_out(FlowPiece piece);

    std::atomic<std::uint32_t> era_{0};
    std::atomic<std::size_t> told_count_{0};
    std::array<std::atomic<std::size_t>, threads_max> adopted_counts_{};
    mutable std::mutex mutex_;  // guards all below
    std::vector<Side> sides_;
    std::deque<Told> told_;
    TellStatus telling_;
    std::uint64_t told_waiting_ = 0;  // flows in told_
    std::size_t through_ = 0;         // threads that have told everything, in this era
    AdoptStatus unattached_;          // what became of flows while there was no layer-4 thread
};

}  // namespace poise::l4
