// Tells when files have changed, by what the file system says of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace poise::app {

/// What is compared. All 0: there is no such file. A link counts as the file that it leads to.
struct FileMark {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t bytes = 0;
    std::int64_t modified_ns = 0;  // the content
    std::int64_t changed_ns = 0;   // the content, the permissions or the name

    bool operator==(const FileMark&) const = default;
};

std::vector<FileMark> marks_of(const std::vector<std::string>& paths);

/// Looks at files from time to time. A change is told once, and not before two looks in a row
/// have found the same: who writes a certificate and then its key is to have done both.
class FileWatch {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds interval{5};

    /// Watches these files from now on. The marks are of before they were read, so that a change
    /// in between is found.
    void begin(std::vector<FileMark> marks);

    /// The files that have changed since begin(); empty when none has, when it has been told, or
    /// when it may go on. To be called every second or two: it looks at the files every
    /// `interval`, and at the next call when it has found a change.
    std::vector<std::string> look(Clock::time_point now);

private:
    std::vector<FileMark> begun_;
    std::vector<FileMark> told_;
    std::vector<FileMark> seen_;
    Clock::time_point looked_{};
};

}  // namespace poise::app
