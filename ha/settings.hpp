// The settings that both nodes of a pair have in common: poise.yaml and the files that it names,
// and whose change counts when they differ. Pure.
#pragma once

#include "ha/beat.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

/// A file that poise.yaml names and that lies in its folder or below.
struct SettingsFile {
    std::string path;           // relative to the folder of poise.yaml
    std::uint16_t mode = 0644;  // its permissions; a new file gets no more than 0755
    std::string bytes;

    bool operator==(const SettingsFile&) const = default;
};

struct Settings {
    std::string text;                 // poise.yaml, byte for byte
    std::vector<SettingsFile> files;  // by path

    bool operator==(const Settings&) const = default;
};
constexpr std::size_t settings_bytes_max = 12 << 20;
constexpr std::size_t settings_files_max = 10'000;

std::size_t bytes_of(const Settings& settings);
/// Equal for equal settings only.
ConfigMark settings_mark(const Settings& settings, std::uint64_t version);

/// Whether a file of that path may be written below the folder: relative, of plain names, none of
/// which is ".." or starts with a dot.
bool is_inner_path(std::string_view path);

using Hash = std::array<std::uint8_t, 32>;

/// What one node has, and what both had when they last were equal.
struct Standing {
    Hash hash{};
    Hash common{};              // all 0: they never were
    std::uint64_t version = 0;  // rises by one at each change
    bool unfinished = false;    // ended while it took the other one's: what it has is a mixture

    bool operator==(const Standing&) const = default;
};

enum class Verdict : std::uint8_t {
    equal,
    take_theirs,  // they have changed theirs, and this node has not
    give_ours,    // this node has changed its own, and they have not
    diverged,     // both have, or it cannot be told: a person must say whose count
};
std::string_view word(Verdict verdict);

/// The other node comes to the opposite.
Verdict compare(const Standing& ours, const Standing& theirs);

}  // namespace poise::ha
