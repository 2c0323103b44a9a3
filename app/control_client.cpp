#include "app/control_client.hpp"

#include "app/unix_path.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace poise::app {

namespace {

constexpr timeval wait_max{15, 0};  // a reload of a large file takes its time
constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;

struct Descriptor {
    explicit Descriptor(int opened) : fd(opened) {}
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    const int fd;
};

std::string why_not(const std::string& path, int error) {
    if (error == ENOENT || error == ECONNREFUSED)
        return fmt::format(
            "no Poise answers at {}; is it running? If its control socket is another one, name it "
            "with --control PATH; `poise proxy` opens one only when started with --control PATH",
            path);
    if (error == EACCES)
        return fmt::format(
            "no permission for {}: it is for the user that Poise runs as, "
            "and for root",
            path);
    if (error == EAGAIN || error == EWOULDBLOCK)
        return fmt::format("the Poise at {} does not answer in time", path);
    return fmt::format("{}: {}", path, std::error_code(error, std::generic_category()).message());
}

std::expected<std::string, int> exchange(int fd, const sockaddr_un& address, std::string line) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait_max, sizeof wait_max);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait_max, sizeof wait_max);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(fd, generic, sizeof address) != 0) return std::unexpected(errno);
    line += '\n';
    for (std::string_view rest = line; !rest.empty();) {
        const ssize_t n = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return std::unexpected(errno);
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    std::string answer;
    std::array<char, 16'384> block;
    while (!answer.ends_with('\n')) {
        const ssize_t n = ::recv(fd, block.data(), block.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::unexpected(errno);
        if (n == 0 || answer.size() > answer_bytes_max) return std::unexpected(EPROTO);
        answer.append(block.data(), static_cast<std::size_t>(n));
    }
    answer.pop_back();
    return answer;
}

}  // namespace

std::expected<std::string, std::string> ask(const std::string& control,
                                            const ControlRequest& request) {
    const std::string path = control_path(control);
    if (path.empty())
        return std::unexpected("where is the control socket? give it with --control PATH");
    const auto address = unix_address(path);
    if (!address) return std::unexpected(address.error());
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd < 0) return std::unexpected(why_not(path, errno));
    auto line = exchange(socket.fd, *address, to_json(request));
    if (!line) return std::unexpected(why_not(path, line.error()));
    auto answer = parse_control_answer(*line);
    if (!answer) return std::unexpected(answer.error());
    if (answer->ok) return std::move(answer->result);
    std::string error;
    for (const std::string& diagnostic : answer->diagnostics)
        error += diagnostic + '\n';
    return std::unexpected(error + answer->error);
}

}  // namespace poise::app
