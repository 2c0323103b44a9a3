#include "tls/stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace poise::tls {

namespace {

// One record at first, so that the peer can open something soon; then as the socket takes it.
constexpr std::uint32_t burst_min = Library::plain_bytes;
constexpr std::uint32_t burst_max = Library::burst_bytes;

}  // namespace

// Each idle client with TLS has one, beside what OpenSSL holds.
static_assert(sizeof(TlsStream) <= 152);

TlsStream::TlsStream(Stream& transport, Owned<ssl_st> session, Library& library, Side side,
                     std::string_view early)
    : SocketStream(TakeOver{}, dynamic_cast<SocketStream&>(transport)),
      session_(std::move(session)),
      library_(library),
      burst_(burst_min) {
    assert(session_ != nullptr);
    if (!early.empty()) held().early = early;
    set_peer(transport.peer());
    BIO* bio = BIO_new(library.stream_method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, this);
    SSL_set_bio(session_.get(), bio, bio);  // owned by the session, once
    if (side == Side::server)
        SSL_set_accept_state(session_.get());
    else
        SSL_set_connect_state(session_.get());
}

TlsStream::~TlsStream() {
    // Says goodbye when nobody has: without it a peer cannot tell an end from a cut. Not after a
    // fault, and not when a reset was asked for.
    if (!shut_) {
        ERR_clear_error();
        SSL_shutdown(session_.get());
        flush();
    }
    SSL_set_quiet_shutdown(session_.get(), 1);
}

TlsStream::Held& TlsStream::held() {
    if (!held_) held_ = std::make_unique<Held>();
    return *held_;
}

void TlsStream::hold_no_more() {
    if (held_->early.empty() && held_->pending.empty() && held_->error_text.empty()) held_.reset();
}

// ------------------------------------------------------------------ the socket's side

int TlsStream::give_sealed(char* into, int bytes_max) {
    assert(bytes_max > 0);
    auto wanted = static_cast<std::size_t>(bytes_max);
    std::size_t got = 0;
    if (held_ && !held_->early.empty()) {
        std::string& early = held_->early;
        got = std::min(wanted, early.size());
        std::memcpy(into, early.data(), got);
        early.erase(0, got);
        hold_no_more();
    } else {
        if (drained_) return -1;
        const IoResult read = receive({into, wanted}, drained_);
        if (read.state == Io::would_block) return -1;
        if (!read.ok()) {
            socket_error_ = read.error;
            ended_ = true;
            return 0;
        }
        got = read.bytes;
    }
    if (const auto room = first_.size() - first_bytes_; room > 0) {
        const auto n = std::min(room, got);
        std::memcpy(first_.data() + first_bytes_, into, n);
        first_bytes_ = static_cast<std::uint8_t>(first_bytes_ + n);
    }
    return static_cast<int>(got);
}

int TlsStream::take_sealed(const char* from, int bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    const auto room = library_.sealed();
    if (has_pending() || size > room.size() - sealed_) {
        // Rare: what OpenSSL says on its own while the socket is full.
        keep({room.data(), sealed_});
        sealed_ = 0;
        keep({from, size});
        return bytes;
    }
    std::memcpy(room.data() + sealed_, from, size);
    sealed_ += static_cast<std::uint32_t>(size);
    return bytes;
}

void TlsStream::keep(std::string_view sealed) {
    Held& all = held();
    if (all.pending_at == all.pending.size()) {
        all.pending.clear();
        all.pending_at = 0;
    }
    all.pending += sealed;
}

bool TlsStream::flush() {
    const bool kept = has_pending();
    std::string_view rest = kept ? std::string_view(held_->pending).substr(held_->pending_at)
                                 : std::string_view(library_.sealed().data(), sealed_);
    assert(!kept || sealed_ == 0);
    bool blocked = false;
    while (!rest.empty() && !blocked && socket_error_ == 0) {
        const iovec piece{const_cast<char*>(rest.data()), rest.size()};
        const IoResult sent = transmit({&piece, 1});
        rest.remove_prefix(sent.bytes);
        blocked = sent.state == Io::would_block;
        if (sent.state == Io::failed) socket_error_ = sent.error;
    }
    if (socket_error_ != 0) rest = {};  // nobody will ever take it
    if (rest.empty()) {
        if (kept) {
            held_->pending.clear();
            held_->pending_at = 0;
            hold_no_more();
        }
    } else if (kept) {
        held_->pending_at = held_->pending.size() - rest.size();
    } else {
        keep(rest);
    }
    sealed_ = 0;
    return rest.empty() && socket_error_ == 0;
}

void TlsStream::send_plain(std::string_view bytes) noexcept {
    shut_ = true;
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    transmit({&piece, 1});  // best effort: it is an error page
}

// ------------------------------------------------------------------ bytes

IoResult TlsStream::try_read(std::span<char> into) {
    assert(!into.empty());
    if (late_error_ != 0) return {Io::failed, late_error_};
    if (!readable()) return {Io::would_block};
    drained_ = false;
    ERR_clear_error();
    std::size_t got = 0;
    int n = 1;
    while (got < into.size()) {
        // Known to find nothing: what has come is opened, and the socket is empty.
        if (got > 0 && drained_ && SSL_has_pending(session_.get()) == 0) break;
        n = SSL_read(session_.get(), into.data() + got,
                     static_cast<int>(std::min<std::size_t>(into.size() - got, INT32_MAX)));
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    if (sealed_ > 0) flush();  // an answer of OpenSSL's own, such as to a key update
    if (n > 0) {
        if (got < into.size()) not_readable();
        return {Io::ok, 0, got};
    }
    const IoResult why = failed_read(n);
    if (got == 0) return why;
    if (why.state == Io::failed) late_error_ = why.error;  // shows at the next call
    return {Io::ok, 0, got};
}

IoResult TlsStream::failed_read(int returned) {
    switch (SSL_get_error(session_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:  // not with our BIO, which takes everything
            not_readable();
            return {Io::would_block};
        case SSL_ERROR_ZERO_RETURN:
            return {Io::end};
        default:
            break;
    }
    shut_ = true;
    if (socket_error_ != 0) return {Io::failed, socket_error_};
    const int reason = ERR_GET_REASON(ERR_peek_error());
    set_error_text(take_openssl_error());
    // A close without close_notify may be an attacker's: the end cannot be trusted.
    return {Io::failed, reason == SSL_R_UNEXPECTED_EOF_WHILE_READING ? ECONNRESET : EPROTO};
}

// Seals up to `bytes_max` of the pieces into the library's memory; returns how many.
std::size_t TlsStream::seal(std::span<const iovec> pieces, std::size_t bytes_max) {
    std::size_t taken = 0;
    std::size_t at = 0;  // within the first piece
    const auto record = library_.plain();
    while (!pieces.empty() && taken < bytes_max) {
        const std::size_t most = std::min(record.size(), bytes_max - taken);
        const char* data = static_cast<const char*>(pieces[0].iov_base) + at;
        std::size_t size = pieces[0].iov_len - at;
        if (size >= most || pieces.size() == 1) {  // a record of one piece needs no copy
            size = std::min(size, most);
            at += size;
        } else {
            std::size_t filled = 0;
            while (!pieces.empty() && filled < most) {
                const std::size_t n = std::min(pieces[0].iov_len - at, most - filled);
                std::memcpy(record.data() + filled,
                            static_cast<const char*>(pieces[0].iov_base) + at, n);
                filled += n;
                at += n;
                if (at < pieces[0].iov_len) break;
                pieces = pieces.subspan(1);
                at = 0;
            }
            data = record.data();
            size = filled;
        }
        if (!pieces.empty() && at == pieces[0].iov_len) {
            pieces = pieces.subspan(1);
            at = 0;
        }
        if (size == 0) continue;  // OpenSSL takes an empty write for an error
        if (SSL_write(session_.get(), data, static_cast<int>(size)) <= 0) return 0;
        taken += size;
    }
    return taken;
}

IoResult TlsStream::try_write(std::span<const iovec> pieces) {
    assert(!pieces.empty());
    if (!writable()) return {Io::would_block};
    if (has_pending() && !flush()) {
        if (socket_error_ != 0) return {Io::failed, socket_error_};
        return {Io::would_block};
    }
    if (accepted_ > 0) return {Io::ok, 0, std::exchange(accepted_, 0U)};
    ERR_clear_error();
    const std::size_t taken = seal(pieces, burst_);
    if (taken == 0) {
        std::size_t offered = 0;
        for (const iovec& piece : pieces)
            offered += piece.iov_len;
        if (offered == 0) return {Io::ok};
        shut_ = true;
        sealed_ = 0;
        set_error_text(take_openssl_error());
        return {Io::failed, EPROTO};
    }
    if (flush()) {
        if (taken == burst_) burst_ = std::min(burst_ * 2, burst_max);
        return {Io::ok, 0, taken};
    }
    if (socket_error_ != 0) return {Io::failed, socket_error_};
    burst_ = burst_min;
    accepted_ = static_cast<std::uint32_t>(taken);
    return {Io::would_block};
}

bool TlsStream::quiet() {
    if (hung_up() || broken() || SSL_has_pending(session_.get()) == 1) return false;
    if (!readable()) {
        keep_listening();
        return true;
    }
    // There may be what is no data, such as a session ticket.
    drained_ = false;
    ERR_clear_error();
    char byte = 0;
    const int n = SSL_peek(session_.get(), &byte, 1);
    const bool nothing = n <= 0 && SSL_get_error(session_.get(), n) == SSL_ERROR_WANT_READ;
    if (nothing) not_readable();
    ERR_clear_error();
    if (sealed_ > 0) flush();
    return nothing;
}

void TlsStream::shutdown_send() noexcept {
    if (!shut_) {
        ERR_clear_error();
        SSL_shutdown(session_.get());
        flush();
        shut_ = true;
    }
    send_end();
}

void TlsStream::reset_on_close() noexcept {
    shut_ = true;
    reset_at_close();
}

}  // namespace poise::tls
