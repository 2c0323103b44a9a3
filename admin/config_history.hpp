// What poise.yaml was: its last revisions, a file each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

/// Tells texts of poise.yaml apart.
std::string config_version(std::string_view text);

struct Revision {
    std::uint64_t number = 0;
    std::int64_t at = 0;  // seconds since 1970
    std::string who;
    std::string comment;
    std::string version;
};

/// Any thread that holds the lock of the configuration (FileLock on config.lock) may write.
class ConfigHistory {
public:
    static constexpr std::size_t revisions_max = 100;

    /// Empty: nothing is kept.
    explicit ConfigHistory(std::string folder) : folder_(std::move(folder)) {}

    /// Not kept twice when it is the newest revision already.
    void keep(std::string_view text, std::string_view who, std::string_view comment,
              std::int64_t at) const;
    /// Newest first.
    std::vector<Revision> revisions() const;
    std::optional<std::string> text_of(std::uint64_t number) const;

private:
    std::vector<std::uint64_t> numbers() const;
    std::string file_of(std::uint64_t number) const;

    std::string folder_;
};

}  // namespace poise::admin
