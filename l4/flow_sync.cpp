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
    if (wake_) wake_();
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
    told_waiting_ = behind_waiting_ = 0;
    telling_ = {};
}

void FlowSync::attach(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
}

void FlowSync::detach() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    adopted_.clear();
    adopted_count_.store(0, std::memory_order_relaxed);
    adopted_waiting_ = 0;
}

std::vector<std::uint8_t> FlowSync::take(std::size_t bytes_most, Clock::time_point now) {
    std::vector<std::uint8_t> bytes;
    while (bytes.empty() || bytes.size() + piece_bytes_max <= bytes_most) {
        Told told;
        std::uint64_t sequence = 0;
        {
            const std::lock_guard lock(mutex_);
            if (!wake_ && telling_.begun && !telling_.complete && told_.empty())
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
    if (!wake_) {
        for (const FlowPiece& piece : read) {
            adopting_.no_service += piece.flows.size();
            adopting_.sequence = piece.sequence;
            adopting_.complete = piece.kind == PieceKind::everything_ends ||
                                 (adopting_.complete && piece.sequence != 1);
        }
        return {};
    }
    // A bundle of more than the bound is taken when nothing waits: else it never would be.
    if (!adopted_.empty() && adopted_.size() + read.size() > adopted_pieces_max)
        return std::unexpected(AdoptFailure::full);
    for (FlowPiece& piece : read) {
        adopted_waiting_ += piece.flows.size();
        adopted_.push_back(std::move(piece));
    }
    adopted_count_.store(adopted_.size(), std::memory_order_release);
    wake_();
    return {};
}

TellStatus FlowSync::telling(Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    TellStatus status = telling_;
    status.waiting = told_waiting_ + behind_waiting_;
    if (!told_.empty())
        status.lag = age(told_.front().since, now);
    else if (behind_waiting_ != 0)
        status.lag = age(behind_since_, now);
    return status;
}

AdoptStatus FlowSync::adopting() const {
    const std::lock_guard lock(mutex_);
    AdoptStatus status = adopting_;
    status.waiting = adopted_waiting_;
    return status;
}

void FlowSync::tell(std::uint32_t era, PieceKind kind, std::vector<FlowRecord> flows,
                    Clock::time_point now, Clock::time_point since) {
    assert(flows.size() <= piece_flows_max);
    const std::lock_guard lock(mutex_);
    if (era != era_.load(std::memory_order_relaxed)) return;
    told_waiting_ += flows.size();
    told_.push_back({kind, std::move(flows), now, since});
    told_count_.store(told_.size(), std::memory_order_relaxed);
}

void FlowSync::note_waiting(std::uint64_t count, Clock::time_point since, std::uint64_t repairs) {
    const std::lock_guard lock(mutex_);
    behind_waiting_ = count;
    behind_since_ = since;
    telling_.repairs = repairs;
}

std::optional<FlowPiece> FlowSync::next_adopted() {
    const std::lock_guard lock(mutex_);
    if (adopted_.empty()) return std::nullopt;
    FlowPiece piece = std::move(adopted_.front());
    adopted_.pop_front();
    adopted_count_.store(adopted_.size(), std::memory_order_release);
    adopted_waiting_ -= piece.flows.size();
    return piece;
}

void FlowSync::note_adopted(const AdoptStatus& counts) {
    const std::lock_guard lock(mutex_);
    adopting_ = counts;
}

}  // namespace poise::l4
