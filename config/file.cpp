#include "config/file.hpp"

#include "config/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poise::config {

namespace {

constexpr int pipe_wait_ms = 5'000;

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

std::string reason(int error) {
    if (error == ENOENT) return "does not exist";
    return fmt::format("cannot be read: {}", std::strerror(error));
}

std::string refusal(const struct stat& status) {
    if (S_ISDIR(status.st_mode)) return "is a directory, not a file";
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) return "is not a regular file";
    return {};
}

}  // namespace

std::expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max) {
    // O_NONBLOCK: opening a pipe without a writer must not hang the process.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return std::unexpected(reason(errno));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return std::unexpected(reason(errno));
    if (auto why = refusal(status); !why.empty()) return std::unexpected(std::move(why));

    std::string content;
    std::array<char, 65'536> buffer;
    while (true) {
        pollfd waiting{file.get(), POLLIN, 0};
        const int ready = ::poll(&waiting, 1, pipe_wait_ms);
        if (ready == 0) return std::unexpected("cannot be read: nothing came for five seconds");
        const auto n = ready < 0 ? -1 : ::read(file.get(), buffer.data(), buffer.size());
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return std::unexpected(reason(errno));
        if (n == 0) return content;
        content.append(buffer.data(), static_cast<std::size_t>(n));
        if (content.size() > bytes_max)
            return std::unexpected(fmt::format("is larger than {}", format_size(bytes_max)));
    }
}

std::string path_inside(const std::string& folder, const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code ec;
    const fs::path joined = fs::path(folder.empty() ? "." : folder) / path;
    const fs::path absolute = fs::absolute(joined, ec);
    return (ec ? joined : absolute).lexically_normal().string();
}

}  // namespace poise::config
