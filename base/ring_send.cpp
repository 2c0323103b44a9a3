#include "base/ring_send.hpp"

#include "base/engine.hpp"
#include "base/socket_stream.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace poise {

namespace {

void copy(std::span<const iovec> pieces, char* to) {
    for (const iovec& piece : pieces) {
        std::memcpy(to, piece.iov_base, piece.iov_len);
        to += piece.iov_len;
    }
}

}  // namespace

Ring::Send* Ring::take_send() {
    if (free_sends_.empty()) {
        if (vacant_sends_.empty()) {
            if (sends_.size() == sends_max) return nullptr;
            sends_.emplace_back();
            vacant_sends_.reserve(sends_.capacity());  // so that a sweep needs no memory
            vacant_sends_.push_back(static_cast<std::uint32_t>(sends_.size() - 1));
        }
        const std::uint32_t index = vacant_sends_.back();
        sends_[index] = std::make_unique<Send>(*this, index);
        vacant_sends_.pop_back();
        return sends_[index].get();
    }
    return sends_[free_sends_.take()].get();
}

void Ring::sweep() {
    const bool all_told = io_uring_cq_ready(&ring_) == 0 && !io_uring_cq_has_overflow(&ring_);
    if (all_told) blocks_->sweep();
    free_sends_.sweep([this](std::uint32_t index) {
        sends_[index].reset();
        vacant_sends_.push_back(index);
    });
}

bool Ring::send(SocketStream& socket, std::span<const iovec> pieces, std::size_t bytes) {
    assert(bytes <= send_bytes_max);
    Send* send = take_send();
    if (send == nullptr) return false;
    Place& place = places_[socket.place_];
    place.send = send->index;
    send->place = socket.place_;
    send->generation = place.generation;
    send->begin = 0;
    send->end = bytes;
    send->fd = socket.fd();
    send->waits = send->ends = send->closes = false;
    copy(pieces, send->data.data());
    sends_of_turn_.push_back(send->index);
    send->in_turn = true;
    // At once and all of it, or it is told.
    io_uring_sqe& entry = queue_send(*send, MSG_DONTWAIT);
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
    send->entry = &entry;
    send->batch = batch_;
    return true;
}

bool Ring::is_here(const Send& send) const {
    return send.batch == batch_ && !send.waits;
}

bool Ring::append(SocketStream& socket, std::span<const iovec> pieces, std::size_t bytes) {
    const Place& place = places_[socket.place_];
    if (place.send == no_place) return false;
    Send& send = *sends_[place.send];
    if (!is_here(send) || send.ends || bytes > send.data.size() - send.end) return false;
    copy(pieces, &send.data[send.end]);
    send.end += bytes;
    send.entry->len = static_cast<std::uint32_t>(send.end);
    return true;
}

bool Ring::end_behind_send(SocketStream& socket) noexcept {
    const Place& place = places_[socket.place_];
    if (place.send == no_place) return false;
    keep_for_end(*sends_[place.send]);
    return true;
}

// The kernel keeps the bytes back until they are pushed by the end, which is to go with them.
void Ring::keep_for_end(Send& send) noexcept {
    send.ends = ends_behind_send_ = true;
    if (is_here(send)) send.entry->msg_flags |= MSG_MORE;
}

io_uring_sqe& Ring::queue_send(Send& send, int flags) {
    io_uring_sqe& entry = next_entry();
    io_uring_prep_send(&entry, send.fd, &send.data[send.begin], send.end - send.begin,
                       MSG_NOSIGNAL | MSG_WAITALL | flags);
    io_uring_sqe_set_data64(&entry, send.name());
    return entry;
}

void Ring::cancel_send(SocketStream& socket) noexcept {
    const Place& place = places_[socket.place_];
    if (place.send == no_place) return;
    sends_[place.send]->ends = false;  // a cut is to look like one
    queue_cancel(sends_[place.send]->name());
}

SocketStream* Ring::owner_of(const Send& send) {
    const Place& place = places_[send.place];
    const bool lives = place.owner != nullptr && place.generation == send.generation;
    return lives ? static_cast<SocketStream*>(place.owner) : nullptr;
}

// Of a send that has failed, in full or in part, or that had to wait.
void Ring::on_send_ended(Send& send, int result) {
    send.begin += static_cast<std::size_t>(std::max(result, 0));
    SocketStream* owner = owner_of(send);
    if (!send.waits && (result >= 0 || result == -EAGAIN) && send.begin < send.end) {
        send.waits = true;
        queue_send(send, 0);
        if (owner != nullptr) owner->on_send_waits();
        if (send.closes) engine_.expires_after(send, Send::farewell_limit);
        return;
    }
    const int error = send.begin == send.end ? 0 : result < 0 ? -result : EPIPE;
    if (owner != nullptr) owner->on_sent(error);
    if (error != 0) send.ends = false;
    send.waits = false;
    if (!send.in_turn) end_send(send);
}

void Ring::end_send(Send& send) {
    send.unlink();
    // Before it is closed: that would throw away what it has kept, if something came unread.
    if (send.ends) ::shutdown(send.fd, SHUT_WR);
    if (send.closes) {
        ::close(send.fd);
        --farewells_;
    }
    if (owner_of(send) != nullptr && places_[send.place].send == send.index)
        places_[send.place].send = no_place;
    free_sends_.put(std::uint32_t{send.index});
}

}  // namespace poise
