#include "app/unix_path.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::app {

std::expected<sockaddr_un, std::string> unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    constexpr std::size_t length_max = sizeof address.sun_path - 1;
    if (path.empty() || path.size() > length_max) {
        return std::unexpected(fmt::format(
            "the path of the control socket has {} bytes; the kernel takes 1 to {}: '{}'",
            path.size(), length_max, path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

std::string control_path(const std::string& wanted) {
    if (!wanted.empty()) return wanted;
    if (::geteuid() == 0) return "/run/poise.sock";
    const char* folder = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe)
    if (folder == nullptr || *folder == '\0') return {};
    return std::string(folder) + "/poise.sock";
}

}  // namespace poise::app
