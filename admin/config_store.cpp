#include "admin/config_store.hpp"

#include "admin/file.hpp"

#include <fmt/format.h>

#include <utility>

namespace poise::admin {

namespace {

std::unexpected<ConfigStore::Failure> failure(ConfigStore::Failure::Kind kind, std::string detail,
                                              std::vector<ConfigProblem> problems = {}) {
    return std::unexpected(ConfigStore::Failure{kind, std::move(detail), std::move(problems)});
}

}  // namespace

ConfigStore::ConfigStore(std::string path, std::string folder, Program& program)
    : path_(std::move(path)), folder_(folder), history_(std::move(folder)), program_(program) {}

std::expected<ConfigText, std::string> ConfigStore::read() const {
    if (path_.empty()) return std::unexpected("this Poise was started without a file");
    auto text = read_whole(path_, text_bytes_max);
    if (!text) return std::unexpected(fmt::format("cannot read {}", path_));
    std::string version = config_version(*text);
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
    history_.keep(before->text, "", "before it was changed here", change.at);
    if (auto written = write_whole(path_, change.text, 0640); !written)
        return failure(Kind::io, written.error());
    ConfigOutcome loaded = program_.reload();
    if (!loaded.error.empty()) {
        // Back to what is in force, so that a restart finds it.
        const auto restored = write_whole(path_, before->text);
        return failure(Kind::refused, loaded.error + (restored ? "" : "; and " + restored.error()),
                       std::move(loaded.problems));
    }
    const std::string version = config_version(change.text);
    history_.keep(change.text, change.who, change.comment, change.at);
    return Applied{before->version, version, loaded.generation, std::move(checked.changes)};
}

}  // namespace poise::admin
