// TCP as a Stream, and the calls that make one.
#pragma once

#include "base/address.hpp"
#include "base/socket_stream.hpp"

#include <expected>
#include <memory>
#include <span>

namespace poise {

class TcpStream final : public SocketStream {
public:
    using SocketStream::SocketStream;

    IoResult try_read(std::span<char> into) override;
    IoResult try_write(std::span<const iovec> pieces) override;
    bool splices() const override { return true; }
    IoResult try_read(Pipe& pipe, std::size_t bytes_max) override;
    IoResult try_write(Pipe& pipe) override;
    bool quiet() override;
    void shutdown_send() noexcept override;
    void reset_on_close() noexcept override;
};

/// Starts a connection to `to` and returns the stream at once: it is connected, or has failed,
/// when it is writable (see connect_error). The value of the error is an errno.
std::expected<std::unique_ptr<Stream>, int> start_connect(Engine& engine, const Address& to);

/// 0 when the connection has been made, else the errno of the failure.
int connect_error(const Stream& stream);

/// TCP keep-alive: a peer that is silent for a minute is asked, and gone when four questions, 15 s
/// apart, are not answered. A listening socket passes it on to what it accepts.
void probe_dead_peers(int fd);

/// The address that the client dialled.
Address local_address(int fd);

}  // namespace poise
