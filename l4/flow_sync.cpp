#include "l4/flow_sync.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::l4 {

namespace {

using std::chrono::milliseconds;

milliseconds age(FlowSync::Clock::time_point since, FlowSync::Clock::time_point now) {
    return std::max(milliseconds{0}, std::chrono::duration_cast<milliseconds>(now - since));
}

}  // namespace

std::string_view name(AdoptFailure failure) {
    switch (failure) {
        case AdoptFailure::full:
            return "full";
        case AdoptFailure::malformed:
            return "malformed";
        case AdoptFailure::version:
            return "version";
    }
    return "unknown";
}

void FlowSync::begin() {
    const std::lock_guard lock(mutex_);
    const std::uint32_t era = era_.load(std::memory_order_relaxed);
    era_.store(era + (listening(era) ? 2 : 1), std::memory_order_release);
    forget_told();
    telling_.begun = true;
    for (const Side& side : sides_)
        side.wake();
}

void FlowSync::end() {
    const std::lock_guard lock(mutex_);
    const std::uint32_t era = era_.load(std::memory_order_relaxed);
    if (listening(era)) era_.store(era + 1, std::memory_order_release);
    forget_told();
}

void FlowSync::forget_told() {
    told_.clear();
    told_count_.store(0, std::memory_order_relaxed);
    told_waiting_ = 0;
    through_ = 0;
    telling_ = {};
    for (Side& side : sides_)
        side.behind = side.repairs = 0;
}

void FlowSync::attach(std::vector<std::function<void()>> wakes) {
    assert(!wakes.empty() && wakes.size() <= threads_max);
    const std::lock_guard lock(mutex_);
    sides_.clear();
    for (auto& wake : wakes)
        sides_.emplace_back().wake = std::move(wake);
    sides_.front().adopting = unattached_;
    for (Side& side : sides_) {
        side.adopting.sequence = unattached_.sequence;
        side.adopting.complete = unattached_.complete;
    }
}

void FlowSync::detach() {
    AdoptStatus adopted = adopting();
    const std::lock_guard lock(mutex_);
    adopted.waiting = 0;
    unattached_ = adopted;
    sides_.clear();
    for (auto& count : adopted_counts_)
        count.store(0, std::memory_order_relaxed);
}

std::vector<std::uint8_t> FlowSync::take(std::size_t bytes_most, Clock::time_point now) {
    std::vector<std::uint8_t> bytes;
    while (bytes.empty() || bytes.size() + piece_bytes_max <= bytes_most) {
        Told told;
        std::uint64_t sequence = 0;
        {
            const std::lock_guard lock(mutex_);
            if (sides_.empty() && telling_.begun && !telling_.complete && told_.empty())
                told_.push_back({PieceKind::everything_ends, {}, now, now});
            if (told_.empty()) break;
            told = std::move(told_.front());
            told_.pop_front();
            told_count_.store(told_.size(), std::memory_order_relaxed);
            told_waiting_ -= told.flows.size();
            telling_.told += told.flows.size();
            sequence = ++telling_.sequence;
            if (told.kind == PieceKind::everything_ends) telling_.complete = true;
        }
        for (FlowRecord& flow : told.flows)
            flow.life -= std::min(flow.life, age(told.when, now));
        write_piece({sequence, told.kind, std::move(told.flows)}, bytes);
    }
    return bytes;
}

std::expected<void, AdoptFailure> FlowSync::adopt(std::span<const std::uint8_t> pieces) {
    std::vector<FlowPiece> read;
    while (!pieces.empty()) {
        auto piece = read_piece(pieces);
        if (!piece) {
            return std::unexpected(piece.error() == PieceError::version ? AdoptFailure::version
                                                                        : AdoptFailure::malformed);
        }
        read.push_back(std::move(*piece));
    }
    const std::lock_guard lock(mutex_);
    if (sides_.empty()) {
        for (const FlowPiece& piece : read) {
            unattached_.no_service += piece.flows.size();
            unattached_.sequence = piece.sequence;
            unattached_.complete = piece.kind == PieceKind::everything_ends ||
                                   (unattached_.complete && piece.sequence != 1);
        }
        return {};
    }
    if (!has_room_for(read.size())) return std::unexpected(AdoptFailure::full);
    for (FlowPiece& piece : read)
        share_out(std::move(piece));
    for (std::size_t i = 0; i < sides_.size(); ++i) {
        adopted_counts_[i].store(sides_[i].adopted.size(), std::memory_order_release);
        sides_[i].wake();
    }
    return {};
}

// A bundle of more than the bound is taken when nothing waits: else it never would be.
bool FlowSync::has_room_for(std::size_t pieces) const {
    return std::ranges::all_of(sides_, [&](const Side& side) {
        return side.adopted.empty() || side.adopted.size() + pieces <= adopted_pieces_max;
    });
}

// Each thread gets each piece, though without flows, for they are counted.
void FlowSync::share_out(FlowPiece piece) {
    const auto threads = static_cast<unsigned>(sides_.size());
    std::vector<std::vector<FlowRecord>> flows(threads);
    if (threads == 1) {
        flows[0] = std::move(piece.flows);
    } else {
        for (const FlowRecord& flow : piece.flows) {
            const unsigned thread = flow.alias_port != 0 ? thread_of_alias(flow.alias_port, threads)
                                                         : thread_of(flow.client, threads);
            flows[thread].push_back(flow);
        }
    }
    for (unsigned i = 0; i < threads; ++i) {
        sides_[i].adopted_waiting += flows[i].size();
        sides_[i].adopted.push_back({piece.sequence, piece.kind, std::move(flows[i])});
    }
}

TellStatus FlowSync::telling(Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    TellStatus status = telling_;
    status.waiting = told_waiting_;
    if (!told_.empty()) status.lag = age(told_.front().since, now);
    for (const Side& side : sides_) {
        status.waiting += side.behind;
        status.repairs += side.repairs;
        if (side.behind != 0) status.lag = std::max(status.lag, age(side.behind_since, now));
    }
    return status;
}

AdoptStatus FlowSync::adopting() const {
    const std::lock_guard lock(mutex_);
    if (sides_.empty()) return unattached_;
    AdoptStatus status;
    status.sequence = sides_.front().adopting.sequence;
    status.complete = true;
    for (const Side& side : sides_) {
        const AdoptStatus& one = side.adopting;
        status.sequence = std::min(status.sequence, one.sequence);
        status.complete = status.complete && one.complete;
        status.waiting += side.adopted_waiting;
        status.adopted += one.adopted;
        status.updated += one.updated;
        status.older += one.older;
        status.no_service += one.no_service;
        status.no_server += one.no_server;
        status.no_room += one.no_room;
        status.link_unknown += one.link_unknown;
        // All of them miss the same ones.
        status.pieces_missed = std::max(status.pieces_missed, one.pieces_missed);
    }
    return status;
}

void FlowSync::tell(std::uint32_t era, PieceKind kind, std::vector<FlowRecord> flows,
                    Clock::time_point now, Clock::time_point since) {
    assert(flows.size() <= piece_flows_max);
    const std::lock_guard lock(mutex_);
    if (era != era_.load(std::memory_order_relaxed)) return;
    // The peer hears of the end when the last thread has come to it.
    if (kind == PieceKind::everything_ends && ++through_ < sides_.size())
        kind = PieceKind::everything;
    told_waiting_ += flows.size();
    told_.push_back({kind, std::move(flows), now, since});
    told_count_.store(told_.size(), std::memory_order_relaxed);
}

// A thread may still be at work when all of them are detached.
void FlowSync::note_waiting(unsigned thread, std::uint64_t count, Clock::time_point since,
                            std::uint64_t repairs) {
    const std::lock_guard lock(mutex_);
    if (thread >= sides_.size()) return;
    Side& side = sides_[thread];
    side.behind = count;
    side.behind_since = since;
    side.repairs = repairs;
}

std::optional<FlowPiece> FlowSync::next_adopted(unsigned thread) {
    const std::lock_guard lock(mutex_);
    if (thread >= sides_.size() || sides_[thread].adopted.empty()) return std::nullopt;
    Side& side = sides_[thread];
    FlowPiece piece = std::move(side.adopted.front());
    side.adopted.pop_front();
    adopted_counts_[thread].store(side.adopted.size(), std::memory_order_release);
    side.adopted_waiting -= piece.flows.size();
    return piece;
}

void FlowSync::note_adopted(unsigned thread, const AdoptStatus& counts) {
    const std::lock_guard lock(mutex_);
    if (thread < sides_.size()) sides_[thread].adopting = counts;
}

}  // namespace poise::l4
