// The flood: batches of what the file holds, a batch whenever the rate allows one.
#include "bench/datagrams/flood.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <expected>
#include <fstream>
#include <optional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace poise::datagrams {

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t datagrams_max = 100'000;

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::uint8_t>;

std::optional<Bytes> from_digits(const std::string& line) {
    if (line.size() % 2 != 0) return std::nullopt;
    Bytes bytes(line.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* const at = line.data() + 2 * i;
        const auto [stopped, error] = std::from_chars(at, at + 2, bytes[i], 16);
        if (error != std::errc() || stopped != at + 2) return std::nullopt;
    }
    return bytes;
}

std::expected<std::vector<Bytes>, std::string> load(const std::string& path) {
    std::ifstream file(path);
    if (!file) return std::unexpected("cannot read " + path);
    std::vector<Bytes> all;
    for (std::string line; std::getline(file, line) && all.size() < datagrams_max;) {
        auto bytes = from_digits(line);
        if (!bytes) return std::unexpected(path + ": a line is not of hexadecimal digits");
        all.push_back(std::move(*bytes));
    }
    if (all.empty()) return std::unexpected(path + " is empty");
    return all;
}

// The next `count` of `all` from `at` on. Returns how many left.
std::size_t send(int fd, std::vector<Bytes>& all, std::size_t at, std::size_t count) {
    std::array<iovec, batch> pieces;
    std::array<mmsghdr, batch> headers{};
    for (std::size_t i = 0; i < count; ++i) {
        Bytes& bytes = all[(at + i) % all.size()];
        pieces[i] = {bytes.data(), bytes.size()};
        headers[i].msg_hdr.msg_iov = &pieces[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    const int sent = ::sendmmsg(fd, headers.data(), static_cast<unsigned>(count), 0);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

}  // namespace

std::string run_flood(const Options& options) {
    auto all = load(options.file);
    if (!all) return all.error();
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::strerror(errno);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&options.at), sizeof options.at) != 0) {
        const std::string why = std::strerror(errno);
        ::close(fd);
        return why;
    }
    const auto began = Clock::now(), end = began + std::chrono::seconds(options.seconds);
    std::size_t tried = 0, sent = 0;
    for (auto now = began; now < end; now = Clock::now()) {
        const double passed = std::chrono::duration<double>(now - began).count();
        const auto due = static_cast<std::size_t>(passed * options.rate);
        if (due <= tried) {
            std::this_thread::sleep_for(std::chrono::microseconds(200));
            continue;
        }
        const std::size_t count = std::min(batch, due - tried);
        sent += send(fd, *all, tried, count);
        tried += count;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    ::close(fd);
    std::printf("RESULT {\"sent\": %zu, \"seconds\": %.3f}\n", sent, seconds);
    return {};
}

}  // namespace poise::datagrams
