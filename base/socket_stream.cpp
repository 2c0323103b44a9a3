#include "base/socket_stream.hpp"

#include "base/engine.hpp"
#include "base/ring.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace poise {

namespace {

constexpr std::uint8_t small_ones_least = 8;

}  // namespace

SocketStream::SocketStream(Engine& engine, int fd, Direction ready)
    : Stream(Unwatched{}, engine, fd, ready), ring_(engine.events().ring()) {
    if (ring_ == nullptr) {
        engine.events().watch(*this, Direction::both);
        return;
    }
    ring_->enter(*this);
    if (!readable()) return;
    not_readable();  // the ring tells
    keep_listening();
}

SocketStream::SocketStream(TakeOver, SocketStream& other)
    : Stream(TakeOver{}, other),
      ring_(other.ring_),
      block_(other.block_),
      received_at_(other.received_at_),
      received_(std::exchange(other.received_, 0)),
      last_block_(other.last_block_),
      polling_(std::exchange(other.polling_, 0)),
      error_(other.error_),
      write_error_(other.write_error_),
      sent_in_turn_(other.sent_in_turn_),
      small_ones_(other.small_ones_),
      receiving_(other.receiving_),
      ending_receive_(other.ending_receive_),
      sending_(other.sending_),
      more_(other.more_),
      ended_(other.ended_),
      bypassed_(other.bypassed_) {
    other.receiving_ = false;
}

SocketStream::~SocketStream() {
    if (received_ > 0) drop_received();
    if (receiving_) ring_->cancel_receive(*this);
    if (polling_ != 0) ring_->cancel_poll(*this);
}

// ------------------------------------------------------------------ reading

IoResult SocketStream::receive_now(std::span<char> into, bool& emptied) {
    ssize_t n = 0;
    do
        n = ::recv(fd(), into.data(), into.size(), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    emptied = false;
    if (n == 0) return {Io::end};
    if (n < 0) {
        if (errno != EAGAIN) return {Io::failed, errno};
        emptied = true;
        return {Io::would_block};
    }
    const auto bytes = static_cast<std::size_t>(n);
    emptied = bytes < into.size();
    return {Io::ok, 0, bytes};
}

IoResult SocketStream::receive(std::span<char> into, bool& emptied) {
    assert(!into.empty());
    if (ring_ == nullptr) {
        const IoResult read = receive_now(into, emptied);
        // A short read has emptied the socket: the next bytes bring an event. Unless the end is
        // there already, whose event has come and will not come again.
        if (read.ok() && hung_up()) emptied = false;
        return read;
    }
    const std::size_t got = take_received(into);
    bypassed_ = false;
    emptied = false;
    if (received_ > 0) return {Io::ok, 0, got};
    if (more_ && got < into.size()) {
        const IoResult read = receive_now(into.subspan(got), emptied);
        more_ = read.ok() && !emptied;
        if (read.ok()) {
            if (emptied) keep_listening();
            return {Io::ok, 0, got + read.bytes};
        }
        ended_ = ended_ || read.state == Io::end;
        if (ended_) note_hung_up();
        if (read.state == Io::failed) note_failed(read.error);
    }
    if (got == 0 && error_ != 0) return {Io::failed, error_};
    if (got == 0 && ended_) return {Io::end};
    if (!more_ && !ended_ && error_ == 0) {
        keep_listening();
        emptied = true;
    }
    return {got > 0 ? Io::ok : Io::would_block, 0, got};
}

std::size_t SocketStream::take_received(std::span<char> into) {
    std::size_t taken = 0;
    while (received_ > 0 && taken < into.size()) {
        const auto n = std::min<std::size_t>(into.size() - taken, received_);
        std::memcpy(into.data() + taken, ring_->blocks().at(block_) + received_at_, n);
        taken += n;
        use_up(n);
    }
    return taken;
}

// The first `bytes`, of those in the first block.
void SocketStream::use_up(std::size_t bytes) noexcept {
    received_at_ = static_cast<std::uint16_t>(received_at_ + bytes);
    received_ = static_cast<std::uint16_t>(received_ - bytes);
    if (received_ > 0) return;
    const auto next = ring_->blocks().next(block_);
    ring_->blocks().give_back(block_);
    if (block_ == last_block_) return;
    block_ = next.block;
    received_at_ = 0;
    received_ = next.bytes;
}

void SocketStream::add_received(std::uint16_t block, std::uint16_t bytes) {
    if (received_ > 0) {
        ring_->blocks().next(last_block_) = {block, bytes};
    } else {
        block_ = block;
        received_at_ = 0;
        received_ = bytes;
    }
    last_block_ = block;
}

void SocketStream::drop_received() noexcept {
    while (received_ > 0)
        use_up(received_);
}

void SocketStream::keep_listening() {
    if (ring_ == nullptr || receiving_ || received_ > 0 || more_ || ended_ || error_ != 0) return;
    receiving_ = true;
    // One that has had small messages for a while has them in future. Of others the kernel would
    // bring, block by block, what is read better at once and into its place.
    ring_->receive(*this, small_ones_ >= small_ones_least);
}

bool SocketStream::nothing_came() {
    if (received_ > 0 || receiving_) return received_ == 0;
    char byte = 0;
    if (::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN) return false;
    more_ = bypassed_ = false;
    keep_listening();
    return true;
}

// ------------------------------------------------------------------ writing

IoResult SocketStream::transmit_now(std::span<const iovec> pieces) {
    ssize_t n = 0;
    do {
        if (pieces.size() == 1) {
            n = ::send(fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(pieces.data());
            message.msg_iovlen = pieces.size();
            n = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
        }
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return {Io::ok, 0, static_cast<std::size_t>(n)};
    if (errno != EAGAIN) return {Io::failed, errno};
    not_writable();
    return {Io::would_block};
}

IoResult SocketStream::transmit(std::span<const iovec> pieces) {
    assert(!pieces.empty());
    if (ring_ == nullptr) return transmit_now(pieces);
    std::size_t bytes = 0;
    for (const iovec& piece : pieces)
        bytes += piece.iov_len;
    if (sent_in_turn_ == ring_->turn() && bytes > 0 && ring_->append(*this, pieces, bytes))
        return {Io::ok, 0, bytes};
    if (must_wait_to_write()) return {Io::would_block};
    if (write_error_ != 0) return {Io::failed, write_error_};
    if (bytes == 0 || bytes > Ring::send_bytes_max || !ring_->send(*this, pieces, bytes))
        return transmit_now(pieces);
    sent_in_turn_ = ring_->turn();
    return {Io::ok, 0, bytes};
}

// What is to be sent after something else goes after it.
bool SocketStream::must_wait_to_write() {
    if (ring_ == nullptr) return false;
    if (sent_in_turn_ == ring_->turn()) ring_->flush();
    if (sending_) not_writable();
    return sending_;
}

void SocketStream::send_end() noexcept {
    if (ring_ != nullptr && ring_->end_behind_send(*this)) return;
    ::shutdown(fd(), SHUT_WR);  // the peer may have gone already: nothing to do about it
}

void SocketStream::reset_at_close() noexcept {
    const linger now{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (must_wait_to_write()) ring_->cancel_send(*this);
}

// ------------------------------------------------------------------ through a pipe

IoResult SocketStream::receive(Pipe& pipe, std::size_t bytes_max) {
    assert(pipe.held() == 0);
    assert(bytes_max > 0);
    if (received_ > 0) {  // they are in memory: the last that are copied
        const auto most = std::min<std::size_t>(received_, bytes_max);
        const ssize_t n = ::write(pipe.in(), ring_->blocks().at(block_) + received_at_, most);
        if (n <= 0) return {Io::failed, errno};
        use_up(static_cast<std::size_t>(n));
        pipe.added(static_cast<std::size_t>(n));
        return {Io::ok, 0, static_cast<std::size_t>(n)};
    }
    if (error_ != 0) return {Io::failed, error_};
    if (ended_) return {Io::end};
    if (receiving_) {
        not_readable();
        return {Io::would_block};
    }
    bypassed_ = ring_ != nullptr;
    ssize_t n = 0;
    do
        n = ::splice(fd(), nullptr, pipe.in(), nullptr, bytes_max,
                     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n == 0) {
        ended_ = true;
        return {Io::end};
    }
    if (n > 0) {
        pipe.added(static_cast<std::size_t>(n));
        return {Io::ok, 0, static_cast<std::size_t>(n)};
    }
    if (errno != EAGAIN) return {Io::failed, errno};
    not_readable();  // the pipe is empty, so it is the socket that has nothing
    more_ = false;
    return {Io::would_block};
}

IoResult SocketStream::transmit(Pipe& pipe) {
    assert(pipe.held() > 0);
    if (must_wait_to_write()) return {Io::would_block};
    if (write_error_ != 0) return {Io::failed, write_error_};
    ssize_t n = 0;
    do
        n = ::splice(pipe.out(), nullptr, fd(), nullptr, pipe.held(),
                     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        pipe.removed(static_cast<std::size_t>(n));
        return {Io::ok, 0, static_cast<std::size_t>(n)};
    }
    if (n == 0 || errno != EAGAIN) return {Io::failed, n == 0 ? EPIPE : errno};
    not_writable();
    return {Io::would_block};
}

// ------------------------------------------------------------------ what the ring tells

void SocketStream::on_received(int result, std::uint16_t block, bool more, bool goes_on) {
    const bool was_cancelled = ending_receive_;
    ending_receive_ = goes_on && was_cancelled;
    receiving_ = goes_on;
    if (result > 0) {
        const bool small = received_ == 0 && !more;
        add_received(block, static_cast<std::uint16_t>(result));
        if (!small)
            small_ones_ = 0;
        else if (small_ones_ < small_ones_least)
            ++small_ones_;
        more_ = more && !goes_on;  // else the kernel brings it
        if (goes_on && !small && !was_cancelled) {
            ending_receive_ = true;
            ring_->cancel_receive(*this);
        }
    } else if (result == 0) {
        ended_ = true;
        note_hung_up();
    } else if (result == -ENOBUFS || (result == -ECANCELED && was_cancelled)) {
        more_ = true;  // all memory for what comes is in use, or too much of it by this one: it is
                       // read without
    } else {
        return note_failed(-result);
    }
    tell(Direction::read);
    ask_again();
}

void SocketStream::note_failed(int error) {
    error_ = write_error_ = static_cast<std::uint16_t>(error);
    tell_broken();
}

void SocketStream::on_polled(int events) {
    if (events == -ECANCELED) return;  // another was asked for in its place
    if (events < 0) return note_failed(-events);
    polling_ = 0;
    const auto seen = static_cast<std::uint32_t>(events);
    const bool room_only = (seen & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0;
    // While a receive is in flight, it is what brings the bytes and the end.
    if (!room_only && !receiving_ && received_ == 0) more_ = true;
    on_events(seen);
    ask_again();  // it was told of something else than what is waited for
}

void SocketStream::on_send_waits() {
    sending_ = true;
    not_writable();
}

void SocketStream::on_sent(int error) {
    sending_ = false;
    if (error != 0 && write_error_ == 0) {
        write_error_ = static_cast<std::uint16_t>(error);
        // What the peer has sent before it went is still to be read; else the receive ends, too.
        if (error != EPIPE && error != ECONNRESET) ::shutdown(fd(), SHUT_RDWR);
    }
    tell(Direction::write);
    ask_again();
}

void SocketStream::before_wait(std::uint8_t wanted) {
    if (ring_ == nullptr) return;
    std::uint16_t events = 0;
    if ((wanted & read_bit) != 0) {
        if (bypassed_)
            events |= EPOLLIN | EPOLLRDHUP;
        else
            keep_listening();
    }
    if ((wanted & write_bit) != 0 && !sending_) events |= EPOLLOUT;
    // That the connection breaks is always of interest.
    const bool hears = receiving_ || sending_ || events != 0;
    if (hears && events == 0) return;
    if (hung_up()) return ring_->watch(*this);
    if (!hears) events |= EPOLLRDHUP;
    if (polling_ != 0) {
        if ((polling_ & events) == events) return;
        ring_->cancel_poll(*this);
    }
    polling_ = static_cast<std::uint16_t>(events | EPOLLERR);
    ring_->poll_once(*this, events);
}

}  // namespace poise
