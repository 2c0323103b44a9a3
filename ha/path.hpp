// One path of heartbeats: a UDP socket of this node, and the other node's address on it.
#pragma once

#include "base/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>

namespace poise::ha {

/// Belongs to one thread.
class Path {
public:
    /// The error is a sentence for the operator.
    static std::expected<Path, std::string> open(const Address& local, const Address& peer);
    ~Path();
    Path(Path&& other) noexcept;
    Path& operator=(Path&&) = delete;

    /// At most `receive_max` datagrams that wait. Those of other hosts than the peer are dropped;
    /// its port may be another one, for its guardian has its own. Returns how many came in all.
    std::size_t receive(const std::function<void(std::span<const std::uint8_t>)>& take);
    /// Lost without a word when the network does not take it: the next one follows soon.
    void send(std::span<const std::uint8_t> datagram);

    int fd() const { return fd_; }
    const Address& local() const { return local_; }
    const Address& peer() const { return peer_; }
    std::uint64_t strangers() const { return strangers_; }
    std::uint64_t send_errors() const { return send_errors_; }

    static constexpr std::size_t receive_max = 256;

private:
    Path(int fd, const Address& local, const Address& peer) : fd_(fd), local_(local), peer_(peer) {}

    int fd_;
    Address local_, peer_;
    std::uint64_t strangers_ = 0, send_errors_ = 0;
};

}  // namespace poise::ha
