#include "admin/config_history.hpp"

#include "admin/file.hpp"
#include "admin/json_text.hpp"
#include "admin/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

namespace poise::admin {

using nlohmann::json;

namespace {

constexpr std::size_t version_digits = 16;
constexpr std::size_t revision_bytes_max = 8 << 20;

}  // namespace

std::string config_version(std::string_view text) {
    return sha256_hex(text).substr(0, version_digits);
}

std::string ConfigHistory::file_of(std::uint64_t number) const {
    return fmt::format("{}/config-{:08}.json", folder_, number);
}

// Oldest first.
std::vector<std::uint64_t> ConfigHistory::numbers() const {
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
void ConfigHistory::keep(std::string_view text, std::string_view who, std::string_view comment,
                         std::int64_t at) const {
    if (folder_.empty()) return;
    const auto known = revisions();
    const std::string version = config_version(text);
    if (!known.empty() && known.front().version == version) return;
    const std::uint64_t number = known.empty() ? 1 : known.front().number + 1;
    const json revision{
        {"at", at}, {"who", who}, {"comment", comment}, {"version", version}, {"text", text}};
    // A revision that cannot be kept must not hold up the change itself.
    [[maybe_unused]] const auto kept = write_whole(file_of(number), json_text(revision));
    const auto all = numbers();
    for (std::size_t i = 0; i + revisions_max < all.size(); ++i) {
        std::error_code ignored;
        std::filesystem::remove(file_of(all[i]), ignored);
    }
}

std::vector<Revision> ConfigHistory::revisions() const {
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

std::optional<std::string> ConfigHistory::text_of(std::uint64_t number) const {
    if (folder_.empty()) return std::nullopt;
    const auto text = read_whole(file_of(number), revision_bytes_max);
    if (!text) return std::nullopt;
    const json kept = json::parse(*text, nullptr, false);
    if (!kept.is_object()) return std::nullopt;
    return kept.value("text", "");
}

}  // namespace poise::admin
