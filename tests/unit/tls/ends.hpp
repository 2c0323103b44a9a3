// Two ends of one connection, each TLS by us or bytes by hand; no thread and no waiting.
#pragma once

#include "base/engine.hpp"
#include "base/tcp_stream.hpp"
#include "tests/unit/tls/authority.hpp"
#include "tls/client_context.hpp"
#include "tls/server_context.hpp"
#include "tls/stream.hpp"

#include <openssl/ssl.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace poise::tls::test {

/// A connection within this process: descriptors that do not block.
struct Pair {
    Pair() {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) ==
                0);
        ours = fds[0];
        theirs = fds[1];
    }
    int ours = -1;
    int theirs = -1;
};

/// A worker's part: the loop and OpenSSL's.
struct Side {
    /// Marks the streams that have become ready.
    void turn() {
        engine.stop();
        engine.run();
    }
    std::unique_ptr<TlsStream> stream(int fd, Owned<ssl_st> session, TlsStream::Side side,
                                      std::string_view early = {}) {
        TcpStream transport(engine, fd, Direction::both);
        return std::make_unique<TlsStream>(transport, std::move(session), library, side, early);
    }

    Engine engine;
    Library library;
};

/// A peer by hand: what it sends and gets is seen as bytes, or goes through OpenSSL.
class Peer {
public:
    explicit Peer(int fd) : fd_(fd) {
        ::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own socket BIO does not ask for none
    }
    ~Peer() { close(); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// Speaks TLS as a client of `context` from now on.
    SSL* speak(SSL_CTX* context) {
        session_.reset(SSL_new(context));
        SSL_set_fd(session_.get(), fd_);
        SSL_set_connect_state(session_.get());
        return session_.get();
    }
    SSL* session() const { return session_.get(); }

    void send(std::string_view bytes) const {
        REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    std::string take() const {
        std::array<char, 65'536> buffer{};
        const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
    }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_;
    Owned<ssl_st> session_;
};

using Handshake = TlsStream::Handshake;
constexpr int turns_max = 1'000;

/// Until our end is done or has failed, or nothing moves any more.
inline Handshake shake(Side& side, TlsStream& stream, SSL* peer) {
    Handshake state = Handshake::wants_read;
    for (int i = 0; i < 20; ++i) {
        if (peer != nullptr) SSL_do_handshake(peer);
        side.turn();
        if (state != Handshake::done) state = stream.handshake();
        if (state == Handshake::failed) return state;
    }
    return state;
}

/// Both ends are ours.
inline std::pair<Handshake, Handshake> shake(Side& side, TlsStream& one, TlsStream& other) {
    std::pair states{Handshake::wants_read, Handshake::wants_read};
    const auto step = [](TlsStream& stream, Handshake& state) {
        if (state == Handshake::wants_read || state == Handshake::wants_write)
            state = stream.handshake();
    };
    for (int i = 0; i < 20; ++i) {
        step(one, states.first);
        side.turn();
        step(other, states.second);
        side.turn();
    }
    return states;
}

/// A server's context over the certificates.
struct Served {
    Served(Side& side, const std::vector<std::shared_ptr<const Certificate>>& certificates,
           ServerSettings settings = {}, std::shared_ptr<const StapleSlot> staple = nullptr) {
        for (const auto& each : certificates)
            identities.emplace_back(side.library, each, staple);
        context = std::make_unique<ServerContext>(side.library, identities, std::move(settings),
                                                  std::make_shared<const TicketKeys>());
    }
    std::vector<Identity> identities;
    std::unique_ptr<ServerContext> context;
};

inline Owned<ssl_ctx_st> client_context() {
    return Owned<ssl_ctx_st>(SSL_CTX_new(TLS_client_method()));
}

inline IoResult write_text(Stream& stream, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return stream.try_write({&piece, 1});
}

}  // namespace poise::tls::test
