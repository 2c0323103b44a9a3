#include "proxy/io.hpp"

#include "base/engine.hpp"
#include "base/tcp_stream.hpp"

#include <cerrno>
#include <utility>

namespace poise::proxy {

namespace {

constexpr std::chrono::seconds linger_time{2};
constexpr std::size_t linger_bytes = 1'048'576;

}  // namespace

Task<Connected> connect_within(Waiter& waiter, const Address& to, std::chrono::milliseconds limit) {
    auto started = start_connect(waiter.engine(), to);
    if (!started) co_return Connected{nullptr, started.error()};
    auto stream = std::move(*started);
    waiter.expires_after(limit);
    while (!stream->writable()) {
        stream->want(waiter, Direction::write);
        const Wake why = co_await waiter.sleep();
        if (why == Wake::ready) continue;
        co_return Connected{nullptr, why == Wake::timed_out ? ETIMEDOUT : ECANCELED};
    }
    if (const int error = connect_error(*stream)) co_return Connected{nullptr, error};
    co_return Connected{std::move(stream), 0};
}

Task<bool> send_all(Waiter& waiter, Stream& stream, std::string_view bytes,
                    std::chrono::milliseconds limit) {
    waiter.expires_after(limit);
    while (!bytes.empty()) {
        const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
        const auto written = stream.try_write({&piece, 1});
        if (written.state == Io::failed) co_return false;
        bytes.remove_prefix(written.bytes);
        if (written.bytes > 0) waiter.expires_after(limit);
        if (written.state != Io::would_block) continue;
        stream.want(waiter, Direction::write);
        if (co_await waiter.sleep() != Wake::ready || stream.broken()) co_return false;
    }
    co_return true;
}

Task<void> linger(Waiter& waiter, Stream& stream, BufferPool& buffers) {
    stream.shutdown_send();
    waiter.expires_after(linger_time);
    Buffer scratch(buffers);
    for (std::size_t total = 0; total < linger_bytes;) {
        const auto read = stream.try_read(scratch.space());
        total += read.bytes;
        if (read.ok()) continue;
        if (read.state != Io::would_block || stream.broken()) co_return;
        stream.want(waiter, Direction::read);
        if (co_await waiter.sleep() != Wake::ready) co_return;
    }
}

}  // namespace poise::proxy
