#include "admin/file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace poise::admin {

namespace {

std::string error_text(int error) {
    return std::error_code(error, std::generic_category()).message();
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// It stays ours then, which is no worse than before.
void ignored_result(int) {}

// The rename itself must outlive a power failure.
void sync_folder(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    const int fd =
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

std::unexpected<std::string> cannot_write(const std::string& path, int error) {
    return std::unexpected(fmt::format("cannot write {}: {}", path, error_text(error)));
}

}  // namespace

std::optional<std::string> read_whole(const std::string& path, std::size_t bytes_max) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return std::nullopt;
    std::string text;
    char block[16'384];
    ssize_t n = 0;
    while ((n = ::read(fd, block, sizeof block)) > 0 && text.size() <= bytes_max)
        text.append(block, static_cast<std::size_t>(n));
    ::close(fd);
    if (n != 0 || text.size() > bytes_max) return std::nullopt;
    return text;
}

std::expected<StagedFile, std::string> StagedFile::write(const std::string& given,
                                                         std::string_view text, mode_t mode) {
    std::error_code ignored;  // no such file yet: it is written where it was named
    const auto real = std::filesystem::canonical(given, ignored);
    const std::string path = real.empty() ? given : real.string();
    struct stat before{};
    const bool is_there = ::stat(path.c_str(), &before) == 0;
    std::string temporary = path + ".XXXXXX";
    const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600
    if (fd < 0) return cannot_write(path, errno);
    ::fchmod(fd, is_there ? before.st_mode & 07777 : mode);
    // A file that root makes for a service is to be the service's, as its folder is.
    const std::string folder = std::filesystem::path(path).parent_path().string();
    struct stat around{};
    if (!is_there && ::geteuid() == 0 &&
        ::stat(folder.empty() ? "." : folder.c_str(), &around) == 0)
        ignored_result(::fchown(fd, around.st_uid, around.st_gid));
    // Without the right to give files away it stays ours.
    if (is_there && ::fchown(fd, before.st_uid, before.st_gid) != 0) ::fchmod(fd, 0600);
    StagedFile staged(path, std::move(temporary), !is_there);
    const bool written = write_all(fd, text) && ::fsync(fd) == 0;
    const int error = errno;
    ::close(fd);
    if (!written) return cannot_write(path, error);
    return staged;
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      is_new_(other.is_new_) {}

StagedFile::~StagedFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

std::expected<void, std::string> StagedFile::commit() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot_write(path_, errno);
    temporary_.clear();
    sync_folder(path_);
    return {};
}

std::expected<void, std::string> write_whole(const std::string& path, std::string_view text,
                                             mode_t mode) {
    auto staged = StagedFile::write(path, text, mode);
    if (!staged) return std::unexpected(staged.error());
    return staged->commit();
}

std::expected<void, std::string> make_folder(const std::string& path) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path, error);
    if (error)
        return std::unexpected(fmt::format("cannot make the folder {}: {}", path, error.message()));
    if (made) ::chmod(path.c_str(), 0700);
    if (::access(path.c_str(), W_OK | X_OK) != 0)
        return std::unexpected(fmt::format("cannot write to {}: {}", path, error_text(errno)));
    return {};
}

FileLock::FileLock(const std::string& path, std::chrono::milliseconds limit) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return;
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!(held_ = ::flock(fd_, LOCK_EX | LOCK_NB) == 0)) {
        if (std::chrono::steady_clock::now() >= until) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

FileLock::~FileLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace poise::admin
