// TLS over TCP as a Stream: OpenSSL does the records, we do the socket.
#pragma once

#include "base/socket_stream.hpp"
#include "tls/library.hpp"
#include "tls/openssl.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace poise::tls {

/// Why a handshake has failed.
enum class HandshakeFault : std::uint8_t {
    none,
    closed,           // the peer went away, before or within it
    plain_http,       // the peer speaks HTTP without TLS
    not_tls,          // the peer speaks something else
    nothing_shared,   // no version, cipher, curve or application protocol in common
    no_certificate,   // a certificate of the client is required and did not come
    bad_certificate,  // the peer's certificate is not accepted: see error_text()
    refused_by_peer,  // the peer sent an alert, such as "unknown ca"
    other,
};

/// Belongs to one worker. Before anything else, handshake() until it is done.
///
/// An idle one holds no buffers. What could not be sent at once is kept sealed, and a write counts
/// only when all of it has left: who is told "would block" offers the same bytes again, as every
/// user of a Stream does.
class TlsStream final : public SocketStream {
public:
    enum class Side : std::uint8_t { server, client };

    /// Takes over the connection of `transport`, a TCP stream that nobody uses from now on, and
    /// whose first bytes, when some have been read, are in `early`. `session` is fresh.
    TlsStream(Stream& transport, Owned<ssl_st> session, Library& library, Side side,
              std::string_view early = {});
    ~TlsStream() override;

    enum class Handshake : std::uint8_t { done, wants_read, wants_write, failed };
    /// Goes on with the handshake as far as it can without waiting.
    Handshake handshake();
    HandshakeFault fault() const { return fault_; }
    /// The peer has sent something.
    bool began() const { return first_bytes_ > 0; }
    /// Of the failed handshake or read, for people; empty when all is well.
    std::string_view error_text() const { return held_ ? held_->error_text : std::string_view(); }
    /// Sends `bytes` as they are, as far as the socket takes them: for a peer that speaks no TLS.
    void send_plain(std::string_view bytes) noexcept;

    /// What was agreed on, after the handshake. Empty: none.
    std::string_view application_protocol() const;
    std::string_view version() const;  // "TLSv1.3"
    std::string_view cipher() const;
    bool resumed() const;
    /// The name that the client has asked for; empty when none.
    std::string_view server_name() const;
    ssl_st* session() const { return session_.get(); }

    IoResult try_read(std::span<char> into) override;
    using Stream::try_read;
    IoResult try_write(std::span<const iovec> pieces) override;
    using Stream::try_write;
    bool quiet() override;
    void shutdown_send() noexcept override;
    void reset_on_close() noexcept override;

private:
    friend class Library;
    // The BIO's two ends.
    int give_sealed(char* into, int bytes_max);
    int take_sealed(const char* from, int bytes);
    bool at_end() const { return ended_; }

    bool flush();  // false: the socket takes no more; all sealed bytes are kept
    void keep(std::string_view sealed);
    bool has_pending() const { return held_ && !held_->pending.empty(); }
    IoResult failed_read(int returned);
    Handshake failed_handshake(int error);
    std::size_t seal(std::span<const iovec> pieces, std::size_t bytes_max);

    // What most connections never need, and none for long.
    struct Held {
        std::string early;    // read before we were made
        std::string pending;  // sealed and not sent, from pending_at on
        std::size_t pending_at = 0;
        std::string error_text;
    };
    Held& held();
    void hold_no_more();  // unless there is something
    void set_error_text(std::string text) { held().error_text = std::move(text); }

    Owned<ssl_st> session_;
    Library& library_;
    std::unique_ptr<Held> held_;   // null: nothing
    std::uint32_t sealed_ = 0;     // bytes in library_.sealed(), within one call only
    std::uint32_t accepted_ = 0;   // plain bytes that are pending, not reported yet
    std::uint32_t burst_;          // plain bytes sealed at a time: grows while the peer is fast
    int socket_error_ = 0;         // errno of the read or write that failed
    int late_error_ = 0;           // of a read that had got something before it failed
    std::array<char, 8> first_{};  // how the peer began: tells HTTP from garbage
    std::uint8_t first_bytes_ = 0;
    bool drained_ = false;  // within one call: the socket has nothing more
    bool ended_ = false;    // the peer has closed the TCP connection
    bool shut_ = false;     // close_notify is out, or the connection is past saving
    HandshakeFault fault_ = HandshakeFault::none;
};

}  // namespace poise::tls
