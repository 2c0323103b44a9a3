// Small files that must not be half written: users, certificate, configuration.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace poise::admin {

/// The whole file; nullopt when it cannot be read or is larger than `bytes_max`.
std::optional<std::string> read_whole(const std::string& path, std::size_t bytes_max);

/// Replaces `path` in one step: a reader sees the old text or the new one, also after a power
/// failure. A file that is there keeps its mode and owner; a new one gets `mode`. A symbolic link
/// is followed. The error is a sentence.
std::expected<void, std::string> write_whole(const std::string& path, std::string_view text,
                                             mode_t mode = 0600);

/// Makes `path` and what leads to it with mode 0700. The error is a sentence.
std::expected<void, std::string> make_folder(const std::string& path);

/// While it lives, nobody else holds it, in this process or another.
class FileLock {
public:
    /// Waits for at most `limit`.
    explicit FileLock(const std::string& path,
                      std::chrono::milliseconds limit = std::chrono::seconds(2));
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

    bool held() const { return held_; }

private:
    int fd_ = -1;
    bool held_ = false;
};

}  // namespace poise::admin
