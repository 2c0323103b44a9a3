// What a node of the pair tells the other one at each heartbeat, and its bytes.
#pragma once

#include "config/model.hpp"

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

/// What a node is to the floating addresses.
enum class State : std::uint8_t {
    listening,  // has just started and waits to hear the other one
    standby,
    active,    // holds the addresses
    yielding,  // still holds them for the moment that a planned switch-over takes
};

std::string_view word(State state);

/// Who owns the addresses: the better claim. The epoch rises by one at each claim.
struct Claim {
    std::uint64_t epoch = 0;
    bool master = false;  // the configured role
    std::uint64_t node_id = 0;

    /// Greater is better.
    auto operator<=>(const Claim&) const = default;
};

/// The settings that a node has in force, told apart by hash.
struct ConfigMark {
    std::uint64_t version = 0;  // rises by one at each change, on either node
    std::array<std::uint8_t, 32> hash{};

    bool operator==(const ConfigMark&) const = default;
};

/// All of it may be forged by nobody who lacks the key, yet is checked: a node of another
/// version may mean other things.
struct Beat {
    Claim claim;
    State state = State::listening;
    bool fit = false;              // could hold all addresses: links are up, the kernel agrees
    bool partly = false;           // not fit, but could hold some of them
    bool wishes_to_leave = false;  // asks the other node to take over
    bool planned = false;          // its claim is a switch-over that the other one need not fear
    bool hears_you = false;        // has had a sealed beat of yours lately
    bool asks = false;             // has missed one of yours: answer at once
    bool verified = false;         // its copy of settings and state equals the active node's
    std::uint16_t received_permille = 0;  // of your beats, lately
    std::uint32_t lateness_us = 0;        // the most that it woke late, lately
    std::uint32_t progress = 0;           // rises while its workers work
    std::uint64_t echo_counter = 0;       // the newest beat of yours that it has
    std::uint32_t echo_age_us = 0;        // and how long ago that came
    ConfigMark config;
    std::uint64_t addresses_hash = 0;  // of the configured floating addresses
    std::uint64_t watermark = 0;       // how much of the state stream it has
    std::uint16_t stream_port = 0;     // where it takes the state stream; 0: nowhere
    std::string node_name;             // at most node_name_bytes_max
    std::string version;               // of the program; likewise

    bool operator==(const Beat&) const = default;
};

constexpr std::size_t node_name_bytes_max = 64;
constexpr std::size_t beat_bytes_max = 320;

/// Longer texts are cut.
std::vector<std::uint8_t> to_bytes(const Beat& beat);

/// Nothing when they are too few or have values that no version of ours sends. More bytes than
/// known are allowed: a newer version adds at the end.
std::optional<Beat> beat_from_bytes(std::span<const std::uint8_t> bytes);

}  // namespace poise::ha
