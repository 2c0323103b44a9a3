#include "app/operator_input.hpp"

#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace poise::app {

void OperatorInput::read() {
    pollfd watched{fd_, POLLIN, 0};
    if (ended_ || ::poll(&watched, 1, 0) <= 0) return;
    std::array<char, 512> buffer;
    const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        ended_ = true;
        return;
    }
    bytes_.append(buffer.data(), static_cast<std::size_t>(n));
    if (bytes_.size() > line_bytes_max) bytes_.resize(line_bytes_max);
}

std::optional<std::string> OperatorInput::line() {
    const std::size_t end = bytes_.find('\n');
    if (end == std::string::npos) {
        if (!ended_ || bytes_.empty()) return std::nullopt;
        return std::exchange(bytes_, {});  // the last one, without its end
    }
    std::string line = bytes_.substr(0, end);
    bytes_.erase(0, end + 1);
    return line;
}

}  // namespace poise::app
