#include "admin/journal.hpp"

#include "admin/file.hpp"
#include "admin/json_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace poise::admin {

using nlohmann::json;

std::string time_text(std::int64_t seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

Journal::Journal(std::string path) : path_(std::move(path)) {
    load();
}

// Only whole lines that are objects count: the last one may have been cut by a power failure.
void Journal::load() {
    if (path_.empty()) return;
    for (const std::string& path : {path_ + ".1", path_}) {
        const auto text = read_whole(path, 2 * file_bytes_max);
        if (!text) continue;
        file_bytes_ = text->size();
        for (std::size_t at = 0; at < text->size();) {
            const std::size_t end = text->find('\n', at);
            if (end == std::string::npos) break;
            std::string line = text->substr(at, end - at);
            at = end + 1;
            const json entry = json::parse(line, nullptr, false);
            if (!entry.is_object()) continue;
            next_id_ = std::max(next_id_, entry.value("id", std::uint64_t{0}) + 1);
            entries_.push_back(std::move(line));
            if (entries_.size() > entries_max) entries_.pop_front();
        }
    }
}

const std::string& Journal::add(std::int64_t now_s, const Fields& fields) {
    json entry{{"id", next_id_++}, {"at", time_text(now_s)}};
    for (const auto& [name, value] : fields)
        if (!value.empty()) entry[std::string(name)] = value;
    entries_.push_back(json_text(entry));
    if (entries_.size() > entries_max) entries_.pop_front();
    write(entries_.back());
    return entries_.back();
}

void Journal::write(const std::string& line) {
    if (path_.empty()) return;
    if (file_bytes_ > file_bytes_max) {
        ::rename(path_.c_str(), (path_ + ".1").c_str());
        file_bytes_ = 0;
    }
    const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    const std::string bytes = line + '\n';
    const bool written =
        fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    problem_ = written ? "" : std::error_code(errno, std::generic_category()).message();
    if (fd >= 0) ::close(fd);
    file_bytes_ += bytes.size();
}

std::string Journal::last(std::size_t count) const {
    std::string text = "[";
    for (auto entry = entries_.rbegin(); entry != entries_.rend() && count > 0; ++entry, --count) {
        if (text.size() > 1) text += ',';
        text += *entry;
    }
    return text + ']';
}

}  // namespace poise::admin
