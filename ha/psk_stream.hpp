// TLS 1.3 between two nodes that share a cluster key: no certificates, both sides prove the key.
#pragma once

#include "ha/cluster_key.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace poise::ha {

/// Over a socket that does not block. One thread, in which SIGPIPE is blocked or ignored.
class PskStream {
public:
    enum class Side : std::uint8_t { client, server };
    enum class Step : std::uint8_t { done, wants_read, wants_write, ended };

    /// A client proves its first key, a server takes any of its keys. Owns `fd`. Throws
    /// std::runtime_error when OpenSSL cannot do TLS 1.3 with such keys.
    PskStream(int fd, Side side, const ClusterKeys& keys);
    ~PskStream();
    PskStream(const PskStream&) = delete;
    PskStream& operator=(const PskStream&) = delete;

    int fd() const { return fd_; }

    /// `done`: the other side has the key, too. `ended`: it has not, or is gone; why() says more.
    Step handshake();
    /// `size` is how much was read or written when done.
    Step read(std::span<std::uint8_t> buffer, std::size_t& size);
    Step write(std::span<const std::uint8_t> bytes, std::size_t& size);

    const std::string& why() const { return why_; }
    /// The other side has ended the stream as it should: nothing is wrong.
    bool ended_in_order() const { return in_order_; }

private:
    struct Impl;
    Step step_of(int result);

    int fd_;
    std::unique_ptr<Impl> impl_;
    std::string why_;
    bool shaken_ = false, in_order_ = false;
};

}  // namespace poise::ha
