// Small files that must not be half written: users, certificate, configuration.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace poise::admin {

/// The whole file; nullopt when it cannot be read or is larger than `bytes_max`.
std::optional<std::string> read_whole(const std::string& path, std::size_t bytes_max);

/// Replaces `path` in one step: a reader sees the old text or the new one, also after a power
/// failure. A file that is there keeps its mode and owner; a new one gets `mode`. A symbolic link
/// is followed. The error is a sentence.
std::expected<void, std::string> write_whole(const std::string& path, std::string_view text,
                                             mode_t mode = 0600);

/// The first half of write_whole(): the text lies beside `path`, on the disk. commit() puts it in
/// the place of `path`; without that it is removed. For several files that belong together: what
/// can fail, a full disk, has failed before the first is replaced.
class StagedFile {
public:
    static std::expected<StagedFile, std::string> write(const std::string& path,
                                                        std::string_view text, mode_t mode = 0600);
    ~StagedFile();
    StagedFile(StagedFile&& other) noexcept;
    StagedFile& operator=(StagedFile&&) = delete;

    std::expected<void, std::string> commit();
    /// There was no such file before.
    bool is_new() const { return is_new_; }
    const std::string& path() const { return path_; }

private:
    StagedFile(std::string path, std::string temporary, bool is_new)
        : path_(std::move(path)), temporary_(std::move(temporary)), is_new_(is_new) {}

    std::string path_, temporary_;  // temporary_ is empty when it is no more
    bool is_new_;
};

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
