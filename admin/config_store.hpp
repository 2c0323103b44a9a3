// poise.yaml as the API edits it: with versions, a history, and no half of a change.
#pragma once

#include "admin/config_history.hpp"
#include "admin/program.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

struct ConfigText {
    std::string text;
    std::string version;  // of exactly these bytes
};

/// Belongs to the administration's thread.
class ConfigStore {
public:
    static constexpr std::size_t text_bytes_max = 3 << 20;

    /// `path`: poise.yaml; empty when there is no file. `folder`: where revisions are kept, empty
    /// for nowhere. `program` outlives it.
    ConfigStore(std::string path, std::string folder, Program& program);

    bool has_file() const { return !path_.empty(); }
    const std::string& path() const { return path_; }

    /// What is on disk now. The error is a sentence.
    std::expected<ConfigText, std::string> read() const;

    struct Failure {
        enum class Kind : std::uint8_t { no_file, conflict, refused, io } kind = Kind::io;
        std::string detail;
        std::vector<ConfigProblem> problems;
    };
    struct Change {
        std::string text;
        std::string expected_version;
        std::string who;
        std::string comment;
        std::int64_t at = 0;
    };
    struct Applied {
        std::string version_before, version;
        std::uint64_t generation = 0;
        std::vector<std::string> changes;
    };
    /// Checked, written, loaded; on failure the file is what it was. Somebody else's change since
    /// `expected_version` is a conflict.
    std::expected<Applied, Failure> apply(const Change& change);

    const ConfigHistory& history() const { return history_; }

private:
    std::string path_;
    std::string folder_;
    ConfigHistory history_;
    Program& program_;
};

}  // namespace poise::admin
