#include "admin/config_store.hpp"

#include "admin/file.hpp"
#include "admin/json_text.hpp"
#include "admin/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace poise::admin {

using nlohmann::json;

namespace {

constexpr std::size_t version_digits = 16;
constexpr std::size_t revision_bytes_max = 8 << 20;

std::unexpected<ConfigStore::Failure> failure(ConfigStore::Failure::Kind kind, std::string detail,
                                              std::vector<ConfigProblem> problems = {}) {
    return std::unexpected(ConfigStore::Failure{kind, std::move(detail), std::move(problems)});
}

}  // namespace

ConfigStore::ConfigStore(std::string path, std::string folder, Program& program)
    : path_(std::move(path)), folder_(std::move(folder)), program_(program) {}

std::string ConfigStore::version_of(std::string_view text) {
    return sha256_hex(text).substr(0, version_digits);
}

std::expected<ConfigText, std::string> ConfigStore::read() const {
    if (path_.empty()) return std::unexpected("this Poise was started without a file");
    auto text = read_whole(path_, text_bytes_max);
    if (!text) return std::unexpected(fmt::format("cannot read {}", path_));
    std::string version = version_of(*text);
    return ConfigText{std::move(*text), std::move(version)};
}

std::expected<ConfigStore::Applied, ConfigStore::Failure> ConfigStore::apply(const Change& change) {
    using Kind = Failure::Kind;
    if (path_.empty()) return failure(Kind::no_file, "this Poise was started without a file");
    const FileLock lock(folder_.empty() ? path_ + ".lock" : folder_ + "/config.lock");
    if (!lock.held())
        return failure(Kind::io, "somebody else is writing it, or its folder cannot be written to");
    const auto before = read();
    if (!before) return failure(Kind::io, before.error());
    if (before->version != change.expected_version) {
        return failure(Kind::conflict,
                       fmt::format("the file is version {} now: somebody else has changed it",
                                   before->version));
    }
    ConfigOutcome checked = program_.check(change.text);
    if (!checked.error.empty())
        return failure(Kind::refused, checked.error, std::move(checked.problems));
    keep(*before, "", "before it was changed here", change.at);
    if (auto written = write_whole(path_, change.text, 0640); !written)
        return failure(Kind::io, written.error());
    ConfigOutcome loaded = program_.reload();
    if (!loaded.error.empty()) {
        // Back to what is in force, so that a restart finds it.
        const auto restored = write_whole(path_, before->text);
        return failure(Kind::refused, loaded.error + (restored ? "" : "; and " + restored.error()),
                       std::move(loaded.problems));
    }
    const std::string version = version_of(change.text);
    keep({change.text, version}, change.who, change.comment, change.at);
    return Applied{before->version, version, loaded.generation, std::move(checked.changes)};
}

std::string ConfigStore::file_of(std::uint64_t number) const {
    return fmt::format("{}/config-{:08}.json", folder_, number);
}

// Oldest first.
std::vector<std::uint64_t> ConfigStore::numbers() const {
    constexpr std::string_view prefix = "config-";
    std::vector<std::uint64_t> found;
    if (folder_.empty()) return found;
    std::error_code ignored;  // no folder, no history
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(prefix) || !name.ends_with(".json")) continue;
        std::uint64_t number = 0;
        const char* const begin = name.data() + prefix.size();
        if (std::from_chars(begin, name.data() + name.size(), number).ec == std::errc{})
            found.push_back(number);
    }
    std::ranges::sort(found);
    return found;
}

// What is the newest revision already is not kept twice.
void ConfigStore::keep(const ConfigText& text, std::string_view who, std::string_view comment,
                       std::int64_t at) const {
    if (folder_.empty()) return;
    const auto known = history();
    if (!known.empty() && known.front().version == text.version) return;
    const std::uint64_t number = known.empty() ? 1 : known.front().number + 1;
    const json revision{{"at", at},
                        {"who", who},
                        {"comment", comment},
                        {"version", text.version},
                        {"text", text.text}};
    // A revision that cannot be kept must not hold up the change itself.
    [[maybe_unused]] const auto kept = write_whole(file_of(number), json_text(revision));
    const auto all = numbers();
    for (std::size_t i = 0; i + revisions_max < all.size(); ++i) {
        std::error_code ignored;
        std::filesystem::remove(file_of(all[i]), ignored);
    }
}

std::vector<Revision> ConfigStore::history() const {
    std::vector<Revision> revisions;
    const auto all = numbers();
    for (auto number = all.rbegin(); number != all.rend(); ++number) {
        const auto text = read_whole(file_of(*number), revision_bytes_max);
        const json kept = json::parse(text.value_or(""), nullptr, false);
        if (!kept.is_object()) continue;
        revisions.push_back({*number, kept.value("at", std::int64_t{0}), kept.value("who", ""),
                             kept.value("comment", ""), kept.value("version", "")});
    }
    return revisions;
}

std::optional<std::string> ConfigStore::text_of(std::uint64_t number) const {
    if (folder_.empty()) return std::nullopt;
    const auto text = read_whole(file_of(number), revision_bytes_max);
    if (!text) return std::nullopt;
    const json kept = json::parse(*text, nullptr, false);
    if (!kept.is_object()) return std::nullopt;
    return kept.value("text", "");
}

}  // namespace poise::admin
