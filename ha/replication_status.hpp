// How replication goes, as values: for `poise status`, the web page and metrics.
#pragma once

#include "ha/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace poise::ha {

enum class StreamState : std::uint8_t {
    off,      // this node is alone, or nobody is active
    waiting,  // there is no stream
    filling,  // what was there before the stream is being sent
    synced,   // and has been
};
std::string_view word(StreamState state);

struct ReplicationStatus {
    StreamState state = StreamState::off;
    bool gives = false;           // this node is active
    bool settings_known = false;  // the other node has said what it has
    Verdict settings = Verdict::equal;
    std::uint64_t settings_version = 0;
    std::string problem;                             // a sentence; empty: none
    std::uint64_t entries = 0, entries_unknown = 0;  // persistence entries sent or taken
    std::uint64_t flow_bytes = 0;
    double lag_ms = 0;  // how old what the standby has can be; below zero: not known

    bool operator==(const ReplicationStatus&) const = default;
};

}  // namespace poise::ha
