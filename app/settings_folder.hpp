// What replication has in common with the disk: poise.yaml, the files that it names, and a note
// of what both nodes had last.
#pragma once

#include "admin/config_history.hpp"
#include "admin/file.hpp"
#include "config/model.hpp"
#include "ha/settings.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

/// The paths that `config` names, each once: certificates, keys, authorities, bodies, scripts.
std::vector<std::string> files_of(const config::Config& config);

/// Why the other node's settings were not taken, as a sentence.
struct TakeFailure {
    std::string why;
    bool again = false;  // somebody held the lock: nothing was tried yet
};

/// Control thread.
class SettingsFolder {
public:
    /// `config_path` is poise.yaml; the note lies beside it as poise.yaml.pair. `history_folder`
    /// keeps what was before; empty: nothing is kept.
    SettingsFolder(std::string config_path, std::string history_folder);

    /// `config` has just been read from the disk: what it consists of, as it lies there. Files
    /// outside of the folder of poise.yaml are not among it: they are the operator's.
    void read(const config::Config& config);
    /// The same, and nothing is written.
    void look(const config::Config& config);

    const ha::Settings& settings() const { return settings_; }
    const ha::Standing& standing() const { return standing_; }
    const std::string& config_path() const { return config_path_; }

    /// Both nodes have what read() found, if that is its hash.
    void note_equal(const ha::Hash& hash);

    /// poise.yaml on disk is not what was read: somebody is editing it.
    bool edited() const;

    /// Puts `settings` in the place of our own and calls `load`, which reads them and calls
    /// read(); when that says why not, everything is put back, and files that were not there
    /// before are gone. On a full disk nothing is replaced.
    std::expected<void, TakeFailure> take(const ha::Settings& settings, const ha::Standing& theirs,
                                          const std::function<std::string()>& load);

    /// The other node's, for the operator to compare with: poise.yaml.other.
    std::string other_path() const { return config_path_ + ".other"; }
    void keep_other(const ha::Settings& settings);
    void drop_other();

private:
    std::string path_of(const ha::SettingsFile& file) const;
    std::expected<std::vector<admin::StagedFile>, std::string> stage(
        const ha::Settings& settings) const;
    /// After the new settings were put in their place, whole or not.
    std::optional<std::string> put_back(const ha::Settings& before,
                                        const std::vector<std::string>& new_files) const;
    void load_note();
    std::expected<void, std::string> save_note() const;

    std::string config_path_, folder_, lock_path_;
    admin::ConfigHistory history_;
    ha::Settings settings_;
    ha::Standing standing_;
    ha::Hash noted_{}, taking_{};
};

}  // namespace poise::app
