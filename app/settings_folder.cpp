#include "app/settings_folder.hpp"

#include "admin/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace poise::app {

using nlohmann::json;

namespace {

constexpr std::size_t note_bytes_max = 64 << 10;
constexpr std::uint16_t new_mode_max = 0755;

std::string hex(const ha::Hash& hash) {
    std::string text;
    for (const std::uint8_t byte : hash)
        text += fmt::format("{:02x}", byte);
    return text;
}

ha::Hash hash_of(const json& text) {
    ha::Hash hash{};
    const std::string digits = text.is_string() ? text.get<std::string>() : "";
    if (digits.size() != 2 * hash.size() ||
        digits.find_first_not_of("0123456789abcdef") != std::string::npos)
        return {};
    for (std::size_t i = 0; i < hash.size(); ++i)
        hash[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
    return hash;
}

std::string folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// The error; empty: all are in their places. `new_files`: those that were not there before.
std::string put(std::vector<admin::StagedFile>& staged, std::vector<std::string>& new_files) {
    for (admin::StagedFile& each : staged) {
        if (auto done = each.commit(); !done) return done.error();
        if (each.is_new()) new_files.push_back(each.path());
    }
    return {};
}

}  // namespace

std::vector<std::string> files_of(const config::Config& config) {
    std::vector<std::string> files;
    const auto add = [&](const std::string& path) {
        if (!path.empty()) files.push_back(path);
    };
    for (const auto& certificate : config.certificates) {
        add(certificate.cert);
        add(certificate.key);
    }
    for (const auto& service : config.services) {
        for (const auto& listen : service.listen) {
            add(listen.tls.client_ca);
            add(listen.tls.client_crl);
        }
        add(service.server_tls.ca);
        add(service.server_tls.cert);
        add(service.server_tls.key);
        add(service.health.script);
        if (service.fallback) add(service.fallback->body_file);
    }
    std::ranges::sort(files);
    files.erase(std::ranges::unique(files).begin(), files.end());
    return files;
}

SettingsFolder::SettingsFolder(std::string config_path, std::string history_folder)
    : config_path_(std::move(config_path)),
      folder_(folder_of(config_path_)),
      lock_path_(history_folder.empty() ? config_path_ + ".lock" : history_folder + "/config.lock"),
      history_(std::move(history_folder)) {
    load_note();
}

void SettingsFolder::load_note() {
    const auto text = admin::read_whole(config_path_ + ".pair", note_bytes_max);
    const json note = json::parse(text.value_or(""), nullptr, false);
    if (!note.is_object()) return;
    noted_ = hash_of(note.value("hash", json()));
    standing_.common = hash_of(note.value("common", json()));
    taking_ = hash_of(note.value("taking", json()));
    const json version = note.value("version", json());
    if (version.is_number_unsigned()) standing_.version = version.get<std::uint64_t>();
}

std::expected<void, std::string> SettingsFolder::save_note() const {
    json note{
        {"hash", hex(noted_)}, {"common", hex(standing_.common)}, {"version", standing_.version}};
    if (taking_ != ha::Hash{}) note["taking"] = hex(taking_);
    return admin::write_whole(config_path_ + ".pair", note.dump(2) + "\n", 0600);
}

void SettingsFolder::look(const config::Config& config) {
    settings_.text =
        admin::read_whole(config_path_, ha::settings_bytes_max).value_or(std::string());
    settings_.files.clear();
    for (const std::string& path : files_of(config)) {
        const std::string inner =
            std::filesystem::path(path).lexically_proximate(folder_).generic_string();
        struct stat facts{};
        if (!ha::is_inner_path(inner) || ::stat(path.c_str(), &facts) != 0) continue;
        auto bytes = admin::read_whole(path, ha::settings_bytes_max);
        if (!bytes) continue;
        settings_.files.push_back(
            {inner, static_cast<std::uint16_t>(facts.st_mode & 0777), std::move(*bytes)});
    }
    const ha::Hash hash = ha::settings_mark(settings_, 0).hash;
    standing_.hash = hash;
    standing_.unfinished = taking_ != ha::Hash{} && taking_ != hash;
    if (hash == taking_) standing_.common = std::exchange(taking_, {});
    if (hash == noted_) return;
    noted_ = hash;
    ++standing_.version;
}

void SettingsFolder::read(const config::Config& config) {
    const ha::Hash before = noted_;
    look(config);
    if (noted_ == before) return;
    [[maybe_unused]] const auto saved = save_note();
}

void SettingsFolder::note_equal(const ha::Hash& hash) {
    if (hash != standing_.hash || hash == standing_.common) return;
    standing_.common = hash;
    standing_.unfinished = false;
    taking_ = {};
    [[maybe_unused]] const auto saved = save_note();
    drop_other();
}

bool SettingsFolder::edited() const {
    return admin::read_whole(config_path_, ha::settings_bytes_max) != settings_.text;
}

std::string SettingsFolder::path_of(const ha::SettingsFile& file) const {
    return folder_ + "/" + file.path;
}

std::expected<std::vector<admin::StagedFile>, std::string> SettingsFolder::stage(
    const ha::Settings& settings) const {
    std::vector<admin::StagedFile> staged;
    for (const ha::SettingsFile& file : settings.files) {
        const std::string path = path_of(file);
        std::error_code failed;
        std::filesystem::create_directories(folder_of(path), failed);
        if (failed)
            return std::unexpected(
                fmt::format("cannot make {}: {}", folder_of(path), failed.message()));
        const auto mode = static_cast<mode_t>(file.mode & new_mode_max);
        auto written = admin::StagedFile::write(path, file.bytes, mode);
        if (!written) return std::unexpected(written.error());
        staged.push_back(std::move(*written));
    }
    // Last: what it names is there by the time that it is put in its place.
    auto text = admin::StagedFile::write(config_path_, settings.text, 0640);
    if (!text) return std::unexpected(text.error());
    staged.push_back(std::move(*text));
    return staged;
}

std::optional<std::string> SettingsFolder::put_back(
    const ha::Settings& before, const std::vector<std::string>& new_files) const {
    std::error_code ignored;  // what cannot be removed is named by nothing
    for (const std::string& path : new_files)
        std::filesystem::remove(path, ignored);
    auto staged = stage(before);
    if (!staged) return staged.error();
    std::vector<std::string> gone_before;
    if (std::string error = put(*staged, gone_before); !error.empty()) return error;
    return std::nullopt;
}

std::expected<void, TakeFailure> SettingsFolder::take(const ha::Settings& settings,
                                                      const ha::Standing& theirs,
                                                      const std::function<std::string()>& load) {
    // Who holds the lock may wait for this thread.
    const admin::FileLock lock(lock_path_, std::chrono::milliseconds(0));
    if (!lock.held())
        return std::unexpected(
            TakeFailure{.why = "somebody is changing poise.yaml at this moment", .again = true});
    const ha::Settings before = settings_;
    const ha::Standing standing = standing_;
    history_.keep(before.text, "", "before the other node's was taken", seconds_now());
    taking_ = theirs.hash;
    std::string error;
    std::vector<std::string> new_files;
    bool replaced = false;
    if (auto noted = save_note(); !noted) {
        error = noted.error();
    } else if (auto staged = stage(settings); !staged) {
        error = staged.error();
    } else {
        replaced = true;
        error = put(*staged, new_files);
        if (error.empty()) error = load();
    }
    if (error.empty()) {
        standing_.version = std::max(standing_.version, theirs.version);
        note_equal(theirs.hash);
        [[maybe_unused]] const auto saved = save_note();
        history_.keep(settings.text, "the other node", "taken from the other node", seconds_now());
        return {};
    }
    if (auto failed = replaced ? put_back(before, new_files) : std::nullopt)
        error += "; and what was here cannot be put back: " + *failed;
    settings_ = before;
    standing_ = standing;
    taking_ = {};
    noted_ = standing.hash;
    [[maybe_unused]] const auto saved = save_note();
    return std::unexpected(TakeFailure{.why = std::move(error)});
}

void SettingsFolder::keep_other(const ha::Settings& settings) {
    [[maybe_unused]] const auto written = admin::write_whole(other_path(), settings.text, 0640);
}

void SettingsFolder::drop_other() {
    std::error_code ignored;
    std::filesystem::remove(other_path(), ignored);
}

}  // namespace poise::app
