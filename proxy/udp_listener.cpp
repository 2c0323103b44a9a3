#include "proxy/udp_listener.hpp"

#include "base/engine.hpp"
#include "proxy/udp_listeners.hpp"

#include <algorithm>
#include <cassert>
#include <random>
#include <utility>
#include <vector>

namespace poise::proxy {

namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours forever{24};  // a listener has no deadline: looks about once a day
constexpr int batches_a_turn = 4;
constexpr int sessions_a_turn = 256;
// What a client that sent one datagram keeps its session for while the table fills up.
constexpr milliseconds hurried_idle{5'000};
// While a listener closes: how long its sessions may be silent, after an answer and before one.
constexpr milliseconds quiet_answered{1'000};
constexpr milliseconds quiet_awaiting{5'000};
constexpr milliseconds at_once{1};
// Of emptying a closing socket: more than its buffer can hold.
constexpr int last_turns_max = 10'000;

HashKey random_key() {
    std::random_device random;
    const auto word = [&] { return (std::uint64_t{random()} << 32) | random(); };
    return {word(), word()};
}

Reason expiry_reason(const UdpSession& session) {
    if (session.leaving) return Reason::draining;
    const bool expects = session.configured().expect_replies.value_or(0) != 0;
    return expects && !session.is_answered() ? Reason::response_timeout : Reason::none;
}

}  // namespace

UdpListener::UdpListener(Worker& worker, UdpListeners& all, const Address& address, int fd,
                         DatagramBatch& batch)
    : Pollable(worker.engine(), fd, Direction::read, Direction::read),
      worker_(worker),
      all_(all),
      address_(address),
      door_(udp_door(fd)),
      batch_(batch),
      sessions_(random_key()),
      reporter_(worker) {
    all_.all_.push_back(this);
}

UdpListener::~UdpListener() {
    assert(sessions_.size() == 0);
    std::erase(all_.all_, this);
    for (UdpListener* one : all_.all_)
        if (one->successor_ == this) one->successor_ = nullptr;
}

Task<void> UdpListener::run(UdpListener* listener) {
    const std::unique_ptr<UdpListener> self(listener);
    Waiter waiter(self->worker_.engine());
    self->sleeper_ = &waiter;
    for (;;) {
        self->turn();
        if (self->closing_ && self->sessions_.size() == 0) {
            self->empty_for_successor();
            break;
        }
        waiter.expires_after(forever);
        if (!self->due_.empty()) waiter.wake();  // goes on in the next turn of the loop
        self->want(waiter, Direction::read);
        if (co_await waiter.sleep() == Wake::cancelled) break;
    }
    self->end_all(Reason::draining);
    self->sleeper_ = nullptr;
    self->want_nothing();
}

// Answers first: they free sessions, and servers have done their work for them already.
void UdpListener::turn() {
    if (std::exchange(look_, false)) look_at_sessions();
    serve_due();
    take_from_clients();
}

void UdpListener::add_due(UdpSession& session) {
    using Hook = boost::intrusive::list_base_hook<
        boost::intrusive::tag<UdpDueTag>,
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
    if (!static_cast<Hook&>(session).is_linked()) due_.push_back(session);
    if (sleeper_ != nullptr) sleeper_->wake();
}

void UdpListener::serve(std::size_t service) {
    generation_ = worker_.current();
    service_ = service;
    const auto servers = current_servers();
    const milliseconds drain = this->service().service.configured.timeouts.drain;
    for (UdpTable::Entry* entry : sessions_.all()) {
        auto& session = static_cast<UdpSession&>(*entry);
        if (session.server() == nullptr || servers.contains(session.server())) {
            const milliseconds before = limit_of(session);
            session.follow(generation_, service_);
            if (!session.expired && !session.leaving)
                worker_.engine().expires_later(session, limit_of(session) - before);
        } else if (!session.leaving) {
            session.leaving = true;
            worker_.engine().expires_after(session, std::max(drain, at_once));
        }
    }
}

std::unordered_set<const pool::RealServer*> UdpListener::current_servers() const {
    const Service& current = service().service;
    std::unordered_set<const pool::RealServer*> servers;
    for (const auto& server : current.pool->servers())
        servers.insert(server.get());
    if (current.fallback_server) servers.insert(current.fallback_server.get());
    return servers;
}

void UdpListener::close_soon() {
    if (std::exchange(closing_, true)) return;
    look_again();
}

void UdpListener::look_again() {
    look_ = true;
    if (sleeper_ != nullptr) sleeper_->wake();
}

void UdpListener::take_over(UdpListener& old) {
    for (UdpTable::Entry* entry : old.sessions_.all()) {
        auto& session = static_cast<UdpSession&>(*entry);
        old.sessions_.erase(session);
        session.listener = this;
        sessions_.insert(session);
        if (old.closing_seen_) touch(session);  // the shorter limit is none any more
    }
    due_.splice(due_.end(), old.due_);
    for (UdpListener* one : all_.all_)
        if (one->successor_ == &old) one->successor_ = this;
    old.successor_ = this;
    old.look_again();  // it has nothing left to stay for
}

void UdpListener::look_at_sessions() {
    const bool closes_now = closing_ && !std::exchange(closing_seen_, true);
    for (UdpTable::Entry* entry : sessions_.all()) {
        auto& session = static_cast<UdpSession&>(*entry);
        if (session.service().ended)
            end(session, Reason::draining);
        else if (session.server() != nullptr && session.server()->halted())
            end(session, Reason::server_halted);
        else if (closes_now)
            touch(session);
    }
}

void UdpListener::end(UdpSession& session, Reason reason) {
    reporter_.note_end(session, reason);
    sessions_.erase(session);
    worker_.end_udp_session();
    delete &session;
}

void UdpListener::end_all(Reason reason) {
    for (UdpTable::Entry* entry : sessions_.all())
        end(static_cast<UdpSession&>(*entry), reason);
}

void UdpListener::touch(UdpSession& session) {
    if (session.leaving) return;
    session.expired = false;
    worker_.engine().expires_after(session, limit_of(session));
}

milliseconds UdpListener::limit_of(const UdpSession& session) const {
    milliseconds limit = session.configured().timeouts.idle;
    if (session.hurried && session.datagrams_in < 2) limit = std::min(limit, hurried_idle);
    if (!closing_) return limit;
    if (session.is_one_way()) return at_once;
    return std::min(limit, session.awaiting ? quiet_awaiting : quiet_answered);
}

std::size_t UdpListener::sessions_of_service() const {
    std::size_t sessions = 0;
    for (const auto& counters : service().service.counters)
        sessions += counters->sessions.value();
    return sessions;
}

void UdpListener::drop(Reason reason, unsigned datagrams, const Address& client, int error) {
    reporter_.note(service(),
                   {.reason = reason, .phase = Phase::accept, .error = error, .client = client},
                   datagrams);
}

void UdpListener::serve_due() {
    batch_.clear();
    for (int i = 0; i < sessions_a_turn && !due_.empty(); ++i) {
        UdpSession& session = due_.front();
        due_.pop_front();
        if (session.expired)
            end(session, expiry_reason(session));
        else if (session.upstream && session.upstream->readable())
            relay(session);
    }
    send_replies();
}

// The kernel has given some of its clients' datagrams to this socket until now.
void UdpListener::empty_for_successor() {
    if (successor_ == nullptr) return;
    stop_hearing(door_);
    may_read();
    for (int i = 0; i < last_turns_max && readable(); ++i)
        take_from_clients();
}

void UdpListener::take_from_clients() {
    UdpListener& heir = successor_ != nullptr ? *successor_ : *this;
    for (int i = 0; i < batches_a_turn && readable(); ++i) {
        const unsigned most = burst_.most();
        const BatchResult got = batch_.receive_from_clients(door_, most);
        burst_.note(got.count);
        if (got.count < most) not_readable();
        if (got.error != 0) not_broken();
        for (unsigned first = 0; first < got.count;) {
            const UdpKey key = batch_.sender(first, door_);
            unsigned count = 1;
            while (first + count < got.count && batch_.sender(first + count, door_) == key)
                ++count;
            if (UdpSession* session = heir.find_or_begin(key, count))
                heir.forward(*session, first, count);
            first += count;
        }
    }
}

}  // namespace poise::proxy
