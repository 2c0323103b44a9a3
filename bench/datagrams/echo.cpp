// The echo server: batches in, the same batches out, so that it is never what limits a run.
#include "bench/datagrams/echo.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::datagrams {

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t bytes_max = 65'536;
constexpr int buffer_bytes = 8 << 20;

struct Batch {
    Batch() {
        for (std::size_t i = 0; i < batch; ++i) {
            pieces[i].iov_base = memory.get() + i * bytes_max;
            headers[i].msg_hdr.msg_iov = &pieces[i];
            headers[i].msg_hdr.msg_iovlen = 1;
            headers[i].msg_hdr.msg_name = &names[i];
        }
    }

    std::unique_ptr<char[]> memory = std::make_unique_for_overwrite<char[]>(batch * bytes_max);
    std::array<iovec, batch> pieces{};
    std::array<sockaddr_in, batch> names{};
    std::array<mmsghdr, batch> headers{};
};

}  // namespace

std::string run_echo(const Options& options) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::strerror(errno);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&options.at), sizeof options.at) != 0) {
        const std::string why = std::strerror(errno);
        ::close(fd);
        return why;
    }
    Batch all;
    for (;;) {
        for (std::size_t i = 0; i < batch; ++i) {
            all.headers[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
            all.pieces[i].iov_len = bytes_max;
        }
        const int got = ::recvmmsg(fd, all.headers.data(), batch, MSG_WAITFORONE, nullptr);
        if (got < 0) continue;  // a client that has gone
        for (int i = 0; i < got; ++i)
            all.pieces[static_cast<std::size_t>(i)].iov_len =
                all.headers[static_cast<std::size_t>(i)].msg_len;
        for (int sent = 0; sent < got;) {
            const int n =
                ::sendmmsg(fd, all.headers.data() + sent, static_cast<unsigned>(got - sent), 0);
            sent += n > 0 ? n : 1;
        }
    }
}

}  // namespace poise::datagrams
