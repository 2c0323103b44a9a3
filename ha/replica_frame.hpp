// What two nodes tell each other on the stream of replication, and its bytes: four bytes of
// length, one of kind, content.
#pragma once

#include "ha/settings.hpp"
#include "persistence/table.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

/// The newest version of the stream that this build speaks. A newer one adds kinds, which are
/// passed over here.
constexpr std::uint16_t replica_version = 1;
constexpr std::size_t frame_bytes_max = settings_bytes_max + (4 << 20);

enum class FrameKind : std::uint8_t {
    standing = 1,       // which settings the sender has
    want_settings = 2,  // send yours
    settings = 3,
    secrets = 4,  // of cookies, persistence keys and session tickets
    entries = 5,  // of persistence tables
    flows = 6,    // of layer 4
    mark = 7,     // everything up to here
    ack = 8,      // has been taken up to that mark
};

struct Frame {
    FrameKind kind = FrameKind::standing;
    std::vector<std::uint8_t> content;
};

void append_frame(std::vector<std::uint8_t>& out, FrameKind kind,
                  std::span<const std::uint8_t> content);

/// Cuts frames out of what a stream brings.
class FrameReader {
public:
    void feed(std::span<const std::uint8_t> bytes);
    /// Nothing yet, or the next one. The error is a sentence: what comes is no stream of ours.
    std::expected<std::optional<Frame>, std::string> next();

private:
    std::vector<std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

struct StandingFrame {
    std::uint16_t version = replica_version;
    Standing standing;

    bool operator==(const StandingFrame&) const = default;
};
std::vector<std::uint8_t> to_bytes(const StandingFrame& frame);
std::optional<StandingFrame> standing_from_bytes(std::span<const std::uint8_t> bytes);

std::vector<std::uint8_t> to_bytes(const Settings& settings);
/// Nothing when it is too large or names a file that is not is_inner_path().
std::optional<Settings> settings_from_bytes(std::span<const std::uint8_t> bytes);

/// Entries of one service's table.
struct EntriesFrame {
    std::string service;
    std::vector<persistence::Table::Entry> entries;
};
constexpr std::size_t entries_per_frame = 4096;
/// Times travel as ages: the nodes' clocks have nothing in common.
std::vector<std::uint8_t> to_bytes(const EntriesFrame& frame,
                                   std::chrono::steady_clock::time_point now);
std::optional<EntriesFrame> entries_from_bytes(std::span<const std::uint8_t> bytes,
                                               std::chrono::steady_clock::time_point now);

struct MarkFrame {
    std::uint64_t number = 0;
    bool all = false;  // all that was there when the stream began has been sent

    bool operator==(const MarkFrame&) const = default;
};
std::vector<std::uint8_t> to_bytes(const MarkFrame& frame);
std::optional<MarkFrame> mark_from_bytes(std::span<const std::uint8_t> bytes);

}  // namespace poise::ha
