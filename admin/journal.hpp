// The last things that happened, in memory and as JSON lines in a file of bounded size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poise::admin {

/// Belongs to the administration's thread. Used twice: for events and for the audit log. When the
/// file is full it becomes PATH.1, and the one before that goes.
class Journal {
public:
    static constexpr std::size_t entries_max = 500;
    static constexpr std::size_t file_bytes_max = 4 << 20;

    using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

    /// Goes on where the file ends. An empty path: memory alone.
    explicit Journal(std::string path);

    /// Adds `{"id":N,"at":TIME,...}` and returns it. Empty values are left out.
    const std::string& add(std::int64_t now_s, const Fields& fields);

    /// The last ones as a JSON array, newest first.
    std::string last(std::size_t count) const;
    /// Why the file cannot be written; empty: it can.
    const std::string& problem() const { return problem_; }

private:
    void load();
    void write(const std::string& line);

    std::string path_;
    std::string problem_;
    std::deque<std::string> entries_;
    std::uint64_t next_id_ = 1;
    std::size_t file_bytes_ = 0;
};

/// "2026-11-25T02:33:28Z".
std::string time_text(std::int64_t seconds);

}  // namespace poise::admin
