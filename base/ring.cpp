#include "base/ring.hpp"

#include "base/engine.hpp"
#include "base/ring_send.hpp"
#include "base/ring_setup.hpp"
#include "base/socket_stream.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace poise {

namespace {

constexpr unsigned few = 4;                   // take less time than a call
constexpr std::chrono::seconds end_limit{5};  // for what is still to go out when the loop ends

std::uint32_t events_of(Direction watched) {
    const auto bits = static_cast<std::uint8_t>(watched);
    std::uint32_t events = EPOLLRDHUP;
    if ((bits & static_cast<std::uint8_t>(Direction::read)) != 0) events |= EPOLLIN;
    if ((bits & static_cast<std::uint8_t>(Direction::write)) != 0) events |= EPOLLOUT;
    return events;
}

}  // namespace

// ------------------------------------------------------------------ its life

Ring::Ring(Engine& engine) : engine_(engine) {
    if (const int error = make_ring(ring_))
        throw std::system_error(error, std::generic_category(), "io_uring_setup");
    try {
        blocks_ = std::make_unique<ReceiveBlocks>(ring_);
    } catch (...) {
        io_uring_queue_exit(&ring_);
        throw;
    }
}

Ring::~Ring() {
    io_uring_queue_exit(&ring_);  // ends what is in flight
}

void Ring::begin() {
    if (const int error = enable(); error != 0)
        throw std::system_error(error, std::generic_category(), "io_uring");
    io_uring_register_ring_fd(&ring_);  // spares a look-up a call; it works without
    in_loop_ = true;
}

// The thread that does this is the one that may use the ring.
int Ring::enable() noexcept {
    if (enabled_) return 0;
    const int error = -io_uring_enable_rings(&ring_);
    enabled_ = error == 0;
    return error;
}

// An operation that was cancelled keeps its descriptor open until the kernel has told of it: a
// listener would go on taking connections. And what was written is still to go out.
void Ring::end() {
    const auto until = std::chrono::steady_clock::now() + end_limit;
    do {
        ++batch_;
        io_uring_submit_and_get_events(&ring_);
        hand_out_all();
    } while (handed_out_ > 0);
    while (farewells_ > 0 && std::chrono::steady_clock::now() < until) {
        __kernel_timespec timeout{0, 100'000'000};
        io_uring_cqe* first = nullptr;
        ++batch_;
        io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
        hand_out_all();
    }
    in_loop_ = false;
    io_uring_unregister_ring_fd(&ring_);
}

// ------------------------------------------------------------------ places and names

std::uint32_t Ring::take_place(Pollable& owner) {
    if (free_place_ == no_place) {
        assert(places_.size() < places_max);
        free_place_ = static_cast<std::uint32_t>(places_.size());
        places_.emplace_back().next_free = no_place;
    }
    const std::uint32_t place = free_place_;
    free_place_ = places_[place].next_free;
    places_[place].owner = &owner;
    return place;
}

std::uint64_t Ring::name(Kind kind, const Pollable& pollable) const {
    return static_cast<std::uint64_t>(kind) << kind_shift |
           static_cast<std::uint64_t>(pollable.place_) << place_shift |
           places_[pollable.place_].generation;
}

void Ring::watch(Pollable& pollable, Direction watched) {
    pollable.place_ = take_place(pollable);
    places_[pollable.place_].watched_events = events_of(watched);
    queue_watch(pollable);
}

void Ring::enter(SocketStream& socket) {
    socket.place_ = take_place(socket);
    places_[socket.place_].watched_events = 0;
}

void Ring::move(Pollable& from, Pollable& to) {
    to.place_ = from.place_;
    places_[to.place_].owner = &to;
}

void Ring::close(Pollable& pollable) noexcept {
    if (pollable.place_ == no_place) {  // it was never whole
        ::close(pollable.fd());
        return;
    }
    Place& place = places_[pollable.place_];
    if (place.watched_events != 0) queue_cancel(name(Kind::watch, pollable));
    Send* last = place.send == no_place ? nullptr : sends_[place.send].get();
    place.send = no_place;
    ++place.generation;
    place.owner = nullptr;
    place.next_free = free_place_;
    free_place_ = pollable.place_;
    if (!in_loop_) {
        submit();
        ::close(pollable.fd());
    } else if (last != nullptr) {
        last->closes = true;
        if (!last->waits) keep_for_end(*last);
        ++farewells_;
        if (last->waits) engine_.expires_after(*last, Send::farewell_limit);
    } else {
        // Behind what was asked for before: its number is another's once it is closed.
        queue_close(pollable.fd());
    }
}

// ------------------------------------------------------------------ asking

io_uring_sqe& Ring::next_entry() noexcept {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        submit();
        entry = io_uring_get_sqe(&ring_);
    }
    assert(entry != nullptr);
    return *entry;
}

void Ring::submit() noexcept {
    constexpr int tries_max = 1000;  // it may be short of memory for a moment
    if (enable() != 0) return;
    ++batch_;
    for (int i = 0; i < tries_max && io_uring_sq_ready(&ring_) > 0; ++i)
        if (const int n = io_uring_submit(&ring_); n < 0 && n != -EAGAIN && n != -EBUSY) return;
}

void Ring::queue_watch(const Pollable& pollable) {
    io_uring_sqe& entry = next_entry();
    io_uring_prep_poll_multishot(&entry, pollable.fd(), places_[pollable.place_].watched_events);
    io_uring_sqe_set_data64(&entry, name(Kind::watch, pollable));
}

void Ring::queue_cancel(std::uint64_t name) noexcept {
    io_uring_sqe& entry = next_entry();
    io_uring_prep_cancel64(&entry, name, 0);
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(&entry, 0);
}

void Ring::queue_close(int fd) noexcept {
    io_uring_sqe& entry = next_entry();
    io_uring_prep_close(&entry, fd);
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(&entry, 0);
}

void Ring::receive(SocketStream& socket, bool repeated) {
    io_uring_sqe& entry = next_entry();
    if (repeated)
        io_uring_prep_recv_multishot(&entry, socket.fd(), nullptr, 0, 0);
    else
        io_uring_prep_recv(&entry, socket.fd(), nullptr, ReceiveBlocks::bytes, 0);
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = ReceiveBlocks::group;
    entry.ioprio |= IORING_RECVSEND_POLL_FIRST;  // there is nothing yet, mostly
    io_uring_sqe_set_data64(&entry, name(Kind::receive, socket));
}

void Ring::poll_once(SocketStream& socket, std::uint32_t events) {
    io_uring_sqe& entry = next_entry();
    io_uring_prep_poll_add(&entry, socket.fd(), events);
    io_uring_sqe_set_data64(&entry, name(Kind::poll, socket));
}

void Ring::watch(SocketStream& socket) {
    Place& place = places_[socket.place_];
    if (place.watched_events != 0) return;
    place.watched_events = events_of(Direction::both);
    queue_watch(socket);
}

void Ring::cancel_receive(SocketStream& socket) noexcept {
    queue_cancel(name(Kind::receive, socket));
}

void Ring::cancel_poll(SocketStream& socket) noexcept {
    queue_cancel(name(Kind::poll, socket));
}

// ------------------------------------------------------------------ what has happened

Events::Waited Ring::wait(std::chrono::nanoseconds limit) {
    using Clock = std::chrono::steady_clock;
    Clock::duration idle{};
    // Few entries go out in the call that waits; their work counts as idle time, which they are
    // little beside. After more, or when a socket is to end behind a send, the call that waits
    // is made only if there is nothing to do.
    if (limit.count() == 0 || io_uring_sq_ready(&ring_) > few || ends_behind_send_) {
        ++batch_;
        io_uring_submit_and_get_events(&ring_);
        hand_out_all();
        if (handed_out_ > 0) return {idle, true};
    }
    if (limit.count() > 0) {
        __kernel_timespec timeout{};
        timeout.tv_sec = std::chrono::floor<std::chrono::seconds>(limit).count();
        timeout.tv_nsec = limit.count() % 1'000'000'000;
        io_uring_cqe* first = nullptr;
        ++batch_;
        const auto since = Clock::now();
        io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
        idle = Clock::now() - since;
        hand_out_all();
    }
    return {idle, handed_out_ > 0};
}

void Ring::flush() {
    submit();
    hand_out_all();
}

// After a call that has submitted.
void Ring::hand_out_all() {
    // It had too little memory for all of them; sends must be with the kernel before they end here.
    if (io_uring_sq_ready(&ring_) > 0) submit();
    blocks_->begin_turn();
    handed_out_ = 0;
    // The kernel may have more than the queue has room for; a send's failure must not come later.
    for (unsigned n = hand_out_some(); n > 0; n = hand_out_some()) {
        handed_out_ += n;
        if (!io_uring_cq_has_overflow(&ring_)) break;
        io_uring_get_events(&ring_);
    }
    ++turn_;
    for (const auto index : sends_of_turn_) {
        sends_[index]->in_turn = false;
        if (!sends_[index]->waits) end_send(*sends_[index]);
    }
    sends_of_turn_.clear();
    ends_behind_send_ = false;
}

// What the queue holds: so much.
unsigned Ring::hand_out_some() {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
        hand_out(*completion);
        ++count;
    }
    io_uring_cq_advance(&ring_, count);
    return count;
}

void Ring::hand_out(const io_uring_cqe& completion) {
    const auto kind = static_cast<Kind>(completion.user_data >> kind_shift);
    const auto index =
        static_cast<std::uint32_t>(completion.user_data >> place_shift) & (places_max - 1);
    if (kind == Kind::nothing) return;
    if (kind == Kind::send) return on_send_ended(*sends_[index], completion.res);
    const Place& place = places_[index];
    const bool lives = place.owner != nullptr &&
                       place.generation == static_cast<std::uint32_t>(completion.user_data);
    Pollable* owner = lives ? place.owner : nullptr;
    if (kind == Kind::receive) return on_received(static_cast<SocketStream*>(owner), completion);
    if (owner == nullptr) return;
    const int events = std::max(completion.res, 0);
    if (kind == Kind::poll) {
        static_cast<SocketStream*>(owner)->on_polled(completion.res);
        return;
    }
    owner->on_events(static_cast<std::uint32_t>(events));
    if ((completion.flags & IORING_CQE_F_MORE) == 0) queue_watch(*owner);
}

void Ring::on_received(SocketStream* socket, const io_uring_cqe& completion) {
    const bool has_block = (completion.flags & IORING_CQE_F_BUFFER) != 0;
    const auto block = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    if (has_block) {
        blocks_->on_taken();
        if (socket == nullptr || completion.res <= 0) blocks_->give_back(block);
    }
    if (completion.res == -ENOBUFS) blocks_->grow();
    if (socket == nullptr) return;
    const bool more = (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
    const bool goes_on = (completion.flags & IORING_CQE_F_MORE) != 0;
    socket->on_received(completion.res, block, more, goes_on);
}

}  // namespace poise
