#include "ha/replica_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace poise::ha {

using namespace std::chrono_literals;

namespace {

// Workers stamp entries with a time that they read a little earlier.
constexpr auto stamps_late = 200ms;
constexpr std::size_t flow_bytes_at_once = 64 << 10;

std::unexpected<std::string> broken(std::string_view what) {
    return std::unexpected(fmt::format("the other node sends {} that makes no sense", what));
}

}  // namespace

std::string_view word(StreamState state) {
    switch (state) {
        case StreamState::off:
            return "off";
        case StreamState::waiting:
            return "waiting";
        case StreamState::filling:
            return "filling";
        case StreamState::synced:
            return "synced";
    }
    return "";
}

ReplicaSession::ReplicaSession(bool gives, const ReplicaContent& content,
                               const ReplicaEvents& events, Time now)
    : gives_(gives), content_(content), events_(events), heard_(now) {
    if (gives_ && content_.flows.begin) content_.flows.begin();
}

ReplicaSession::~ReplicaSession() {
    if (gives_ && content_.flows.end) content_.flows.end();
    if (events_.on_end) events_.on_end();
}

std::expected<void, std::string> ReplicaSession::receive(std::span<const std::uint8_t> bytes,
                                                         Time now) {
    reader_.feed(bytes);
    heard_ = now;
    return take_all(now);
}

std::expected<void, std::string> ReplicaSession::take_all(Time now) {
    while (wants_input()) {
        auto frame = reader_.next();
        if (!frame) return std::unexpected(frame.error());
        if (!*frame) return {};
        if (auto taken = take(**frame, now); !taken) return taken;
    }
    return {};
}

std::expected<void, std::string> ReplicaSession::take(const Frame& frame, Time now) {
    switch (frame.kind) {
        case FrameKind::standing: {
            const auto standing = standing_from_bytes(frame.content);
            if (!standing) return broken("a standing");
            take_standing(*standing);
            return {};
        }
        case FrameKind::want_settings:
            if (bytes_of(content_.settings) <= settings_bytes_max && output_.size() < output_max)
                append_frame(output_, FrameKind::settings, to_bytes(content_.settings));
            return {};
        case FrameKind::settings: {
            const auto settings = settings_from_bytes(frame.content);
            if (!settings) return broken("settings");
            take_settings(*settings);
            return {};
        }
        case FrameKind::secrets:
            if (!gives_ && events_.on_secrets) events_.on_secrets(frame.content);
            return {};
        case FrameKind::entries: {
            const auto entries = entries_from_bytes(frame.content, now);
            if (!entries) return broken("persistence entries");
            if (!gives_) take_entries(*entries);
            return {};
        }
        case FrameKind::flows:
            return take_flows(frame.content);
        case FrameKind::mark: {
            const auto mark = mark_from_bytes(frame.content);
            if (!mark) return broken("a mark");
            synced_ = mark->all;
            synced_at_ = now;
            append_frame(output_, FrameKind::ack, frame.content);
            return {};
        }
        case FrameKind::ack: {
            const auto mark = mark_from_bytes(frame.content);
            if (!mark || mark->number > marks_) return broken("an acknowledgement");
            acked_ = mark->number;
            synced_ = synced_ || mark->all;
            if (acked_ == marks_) acked_mark_at_ = mark_at_;
            return {};
        }
    }
    return {};  // of a newer version
}

std::expected<void, std::string> ReplicaSession::take_flows(std::vector<std::uint8_t> bytes) {
    flows_waiting_.clear();
    if (gives_ || !content_.flows.adopt) return {};
    switch (content_.flows.adopt(bytes)) {
        case FlowSource::Adopted::taken:
            flow_bytes_ += bytes.size();
            return {};
        case FlowSource::Adopted::later:
            flows_waiting_ = std::move(bytes);
            return {};
        case FlowSource::Adopted::broken:
            return broken("flows");
    }
    return {};
}

void ReplicaSession::take_standing(const StandingFrame& frame) {
    theirs_ = frame.standing;
    decide();
}

void ReplicaSession::decide() {
    if (!theirs_ || !told_) return;
    const Verdict verdict = compare(content_.standing, *theirs_);
    if (verdict == Verdict::equal) {
        problem_.clear();
        take_ordered_ = false;
        if (equal_ == theirs_->hash) return;
        equal_ = theirs_->hash;
        if (events_.on_equal) events_.on_equal(equal_);
        return;
    }
    equal_ = {};
    const bool needed = take_ordered_ || verdict != Verdict::give_ours;
    if (!needed || wanted_ == theirs_->hash) return;
    wanted_ = theirs_->hash;
    append_frame(output_, FrameKind::want_settings, {});
}

void ReplicaSession::take_settings(const Settings& settings) {
    if (!theirs_ || settings_mark(settings, 0).hash != theirs_->hash) return;  // changed meanwhile
    const Verdict verdict = compare(content_.standing, *theirs_);
    if (verdict == Verdict::equal) return;
    const bool take = take_ordered_ || verdict == Verdict::take_theirs;
    take_ordered_ = false;
    if ((take || verdict == Verdict::diverged) && events_.on_settings)
        events_.on_settings(settings, *theirs_, take);
}

void ReplicaSession::take_theirs() {
    take_ordered_ = true;
    wanted_ = {};
    decide();
}

void ReplicaSession::take_entries(const EntriesFrame& frame) {
    const auto table = std::ranges::find(content_.tables, frame.service,
                                         [](const auto& each) { return each.first; });
    if (table == content_.tables.end()) {
        entries_unknown_ += frame.entries.size();
        return;
    }
    for (const auto& entry : frame.entries)
        table->second->put(entry.key, entry.server, entry.last_used);
    entries_counted_ += frame.entries.size();
}

void ReplicaSession::tell_standing() {
    if (told_ == content_.standing) return;
    told_ = content_.standing;
    append_frame(output_, FrameKind::standing, to_bytes(StandingFrame{.standing = *told_}));
    if (bytes_of(content_.settings) > settings_bytes_max)
        problem_ = fmt::format("poise.yaml and its files have more than {} MiB: they are not sent",
                               settings_bytes_max >> 20);
    wanted_ = {};
    decide();
}

std::expected<void, std::string> ReplicaSession::tick(Time now) {
    if (!wants_input()) {
        heard_ = now;
        if (auto taken = take_flows(std::exchange(flows_waiting_, {})); !taken) return taken;
        if (auto taken = take_all(now); !taken) return taken;
    }
    if (now - heard_ > silence_max)
        return std::unexpected(fmt::format("nothing has come for {} s", silence_max.count()));
    tell_standing();
    if (gives_) give(now);
    return {};
}

void ReplicaSession::give(Time now) {
    if (!content_.secrets.empty() && secrets_sent_ != content_.secrets) {
        secrets_sent_ = content_.secrets;
        append_frame(output_, FrameKind::secrets, secrets_sent_);
    }
    while (content_.flows.take && output_.size() < output_max) {
        const auto flows = content_.flows.take(flow_bytes_at_once);
        if (flows.empty()) break;
        flow_bytes_ += flows.size();
        append_frame(output_, FrameKind::flows, flows);
    }
    if (!in_round_ && (first_round_ || now - round_at_ >= round_every)) {
        since_ = first_round_ ? Time::min() : round_at_ - stamps_late;
        round_at_ = now;
        in_round_ = true;
        next_table_ = entry_ = 0;
        entries_.clear();
    }
    while (in_round_ && output_.size() < output_max)
        if (!give_entries(now)) end_round(now);
}

// False when all tables have been walked. A reload between two calls may skip a table or repeat
// one; the next round sends what was used meanwhile.
bool ReplicaSession::give_entries(Time now) {
    while (entry_ == entries_.size()) {
        if (next_table_ >= content_.tables.size()) return false;
        const auto& [service, table] = content_.tables[next_table_++];
        service_ = service;
        timeout_ = table->timeout();
        entries_ = table->snapshot(SIZE_MAX, since_);
        entry_ = 0;
    }
    EntriesFrame frame{.service = service_, .entries = {}};
    for (; entry_ < entries_.size() && frame.entries.size() < entries_per_frame; ++entry_)
        if (now - entries_[entry_].last_used < timeout_) frame.entries.push_back(entries_[entry_]);
    entries_counted_ += frame.entries.size();
    if (!frame.entries.empty()) append_frame(output_, FrameKind::entries, to_bytes(frame, now));
    return true;
}

void ReplicaSession::end_round(Time now) {
    in_round_ = first_round_ = false;
    mark_at_ = now;
    append_frame(output_, FrameKind::mark, to_bytes(MarkFrame{.number = ++marks_, .all = true}));
}

ReplicationStatus ReplicaSession::status(Time now) const {
    ReplicationStatus status;
    status.state = synced_ ? StreamState::synced : StreamState::filling;
    status.gives = gives_;
    status.settings_known = theirs_.has_value();
    if (theirs_) status.settings = compare(content_.standing, *theirs_);
    status.settings_version = content_.standing.version;
    status.problem = problem_;
    status.entries = entries_counted_;
    status.entries_unknown = entries_unknown_;
    status.flow_bytes = flow_bytes_;
    const Time fresh = gives_ ? acked_mark_at_ : synced_at_;
    status.lag_ms = synced_ ? std::chrono::duration<double, std::milli>(now - fresh).count() : -1;
    return status;
}

}  // namespace poise::ha
