// One message each way over a stream that carries heads and trailers as fields and marks the ends
// itself: a stream of HTTP/2.
#pragma once

#include "base/stream.hpp"
#include "proxy/field_block.hpp"
#include "proxy/refusal.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <sys/uio.h>

namespace poise::proxy {

/// A head on its way out: what HTTP/2 has in place of the first line, and field lines
/// ("Name: value\r\n"..., nothing hop-by-hop). Views need to live for the call only.
struct OutgoingHead {
    int status = 0;  // of a response; 0: a request's head
    std::string_view method;
    std::string_view scheme;
    std::string_view authority;
    std::string_view path;
    std::string_view protocol;  // of an extended CONNECT (RFC 8441); else empty
    std::string_view lines;
    bool last = false;  // neither body nor trailers follow
};

/// Whether the peer takes an extension: unknown until its settings have come.
enum class Extension : std::uint8_t { unknown, refused, taken };

/// try_read gives body bytes; Io::end is the message's end. try_write takes body bytes.
/// shutdown_send ends the message.
class MessageStream : public Stream {
public:
    using Stream::Stream;

    bool carries_message() const final { return true; }
    /// `stream` as what it is; null when it is none.
    static MessageStream* of(Stream& stream) {
        return stream.carries_message() ? static_cast<MessageStream*>(&stream) : nullptr;
    }

    /// The fields of the head that has come; null while none has. A server may send several: 1xx
    /// ones first.
    virtual FieldBlock* head() = 0;
    /// The head was used; its memory is given back, and the next may come.
    virtual void drop_head() = 0;
    /// The field lines that came behind the body, checked; complete at Io::end.
    virtual std::string_view trailers() const = 0;

    /// Queues a head: a request's, or a response's, of which 1xx ones may come before.
    virtual void send_head(const OutgoingHead& head) = 0;
    /// Like try_write, and behind the last of `pieces` the message ends with `trailers` (field
    /// lines). Io::ok with all bytes says that it has ended; `pieces` may be empty.
    virtual IoResult try_write_last(std::span<const iovec> pieces, std::string_view trailers) = 0;

    /// Whether the peer takes extended CONNECT (RFC 8441). Readable when that becomes known.
    virtual Extension extended_connect() const = 0;

    /// What was wrong with the peer's message behind its head; the stream is broken then.
    virtual Reason fault() const = 0;
    /// The peer said that it has done nothing with our request: it may be sent again
    /// (RFC 9113 section 8.7).
    virtual bool unprocessed() const = 0;
    /// Closing says that the peer's message was malformed.
    virtual void reject_on_close() noexcept = 0;
};

}  // namespace poise::proxy
