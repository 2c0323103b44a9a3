// How a UDP listener moves datagrams: from clients to servers, and back.
#include "base/engine.hpp"
#include "proxy/udp_listener.hpp"
#include "proxy/upstream.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace poise::proxy {

namespace {

// What ICMP or the routes say of the server. A datagram that is too long says nothing of it.
bool blames_server(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENETDOWN || error == ENOPROTOOPT || error == ECONNABORTED;
}

const char* failure_word(int error) {
    return error == ECONNREFUSED ? "port unreachable" : "host unreachable";
}

bool is_exhausted(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
           error == EAGAIN || error == ENOSPC;
}

struct Reached {
    Reason reason = Reason::none;  // none: there is a server
    int error = 0;
};

// The server is counted and the socket connected, or neither.
Reached connect_to(UdpSession& session, Choice& choice, Engine& engine) {
    pool::RealServer& server = *choice.server();
    session.heard = false;
    session.server_address = server.address_generation();
    const auto address = server.address();
    if (!address) return {Reason::unresolved, EHOSTUNREACH};
    const auto fd = connect_udp(*address);
    if (!fd)
        return {is_exhausted(fd.error()) ? Reason::too_many_connections : Reason::connect_failed,
                fd.error()};
    try {
        session.upstream.emplace(session, engine, *fd);
    } catch (const std::system_error& full) {  // the limit on watched descriptors
        return {Reason::too_many_connections, full.code().value()};
    }
    return {};
}

Reached reach_some(UdpSession& session, const Address& dialled, pool::RealServer* avoid,
                   Worker& worker) {
    WorkerService& service = session.service();
    const auto now = worker.engine().now();
    Choice choice;
    choice.begin(service, session.key.client, dialled, nullptr, now);
    if (avoid != nullptr) choice.avoid(*avoid);
    Reached reached;
    for (int attempt = 0; attempt <= service.service.configured.retries; ++attempt) {
        const auto picked = choice.take(now);
        if (picked.server == nullptr) {
            if (reached.reason != Reason::none) return reached;
            const bool full = picked.failure == pool::PickFailure::all_full;
            return {full ? Reason::servers_full : Reason::no_server, 0};
        }
        service.counters.upstream_connects.add();
        reached = connect_to(session, choice, worker.engine());
        if (reached.reason == Reason::none) {
            session.lease = choice.take_lease();
            return reached;
        }
        if (reached.reason == Reason::too_many_connections) break;
        picked.server->note_connect_failure(failure_word(reached.error));
        choice.failed(worker);
    }
    choice.release(worker);
    return reached;
}

}  // namespace

UdpSession* UdpListener::find_or_begin(const UdpKey& key, unsigned datagrams) {
    if (UdpTable::Entry* known = sessions_.find(key)) return static_cast<UdpSession*>(known);
    const Reason reason = why_not_begin();
    if (reason != Reason::none) {
        drop(reason, datagrams, key.client);
        return nullptr;
    }
    auto* session = new UdpSession(key, *this, generation_, service_, worker_.engine().now());
    session->hurried = sessions_of_service() * 2 > session->configured().limits.udp_sessions;
    sessions_.insert(*session);
    return session;
}

// Counts the session on the worker when nothing speaks against it.
Reason UdpListener::why_not_begin() {
    if (closing_) return Reason::draining;
    if (sessions_of_service() >= service().service.configured.limits.udp_sessions)
        return Reason::udp_sessions_full;
    return worker_.begin_udp_session() ? Reason::none : Reason::too_many_connections;
}

void UdpListener::forward(UdpSession& session, unsigned first, unsigned count) {
    std::uint64_t bytes = 0;
    for (unsigned slot = first; slot < first + count; ++slot)
        bytes += batch_.bytes(slot);
    session.datagrams_in += count;
    session.bytes_in += bytes;
    session.awaiting = true;
    ServiceCounters& counters = session.service().counters;
    counters.datagrams_in.add(count);
    counters.bytes_in.add(bytes);
    touch(session);
    if (!session.has_lost_server() || reach(session, count)) send_on(session, first, count);
}

void UdpListener::send_on(UdpSession& session, unsigned first, unsigned count) {
    const Address client = session.key.client;
    int moves = session.configured().retries;  // to other servers
    while (count > 0) {
        const BatchResult sent = batch_.send_to_server(session.upstream->fd(), first, count);
        first += sent.count;
        count -= sent.count;
        if (sent.error == 0) return;
        if (blames_server(sent.error)) {
            server_failed(session, sent.error);
            if (moves-- <= 0) return drop(Reason::port_unreachable, count, client, sent.error);
            if (!reach(session, count)) return;
        } else if (sent.error == EAGAIN || sent.error == ENOBUFS) {
            return drop(Reason::datagram_unsent, count, client, sent.error);
        } else {  // this one is too long, or a filter forbids it
            drop(Reason::datagram_unsent, 1, client, sent.error);
            ++first;
            --count;
        }
    }
}

// Chooses a server and connects to it. False: there is none, the datagrams were dropped, and the
// session has ended.
bool UdpListener::reach(UdpSession& session, unsigned datagrams) {
    if (session.datagrams_in > datagrams) session.service().counters.retries.add();
    session.upstream.reset();
    session.lease.release();
    Address dialled = address_;
    if (door_.wildcard) dialled.ip = session.key.dialled;
    Reached reached = reach_some(session, dialled, session.refused_by, worker_);
    // Better the one that has refused than none: it may be back.
    if (reached.reason == Reason::no_server && session.refused_by != nullptr)
        reached = reach_some(session, dialled, nullptr, worker_);
    session.refused_by = nullptr;
    if (reached.reason == Reason::none) return true;
    const Address client = session.key.client;
    end(session, Reason::none);
    drop(reached.reason, datagrams, client, reached.error);
    return false;
}

// The session stays without a server: when its client sends again it gets another.
void UdpListener::server_failed(UdpSession& session, int error) {
    pool::RealServer* server = session.server();
    server->note_connect_failure(failure_word(error));
    reporter_.note(session.service(), {.reason = Reason::port_unreachable,
                                       .error = error,
                                       .server = server->name(),
                                       .client = session.key.client,
                                       .repeat = Repeat::risky});
    session.refused_by = server;
    session.upstream.reset();
    session.lease.release();
}

// Each server of the session says once that it works: not an atomic's cost for each datagram.
void UdpListener::note_first_answer(UdpSession& session) {
    session.heard = true;
    session.server()->note_success();
    if (session.datagrams_out != 0) return;
    session.server()->note_response(std::chrono::duration_cast<std::chrono::microseconds>(
        worker_.engine().now() - session.began));
}

void UdpListener::relay(UdpSession& session) {
    if (batch_.room() < session.burst.most()) send_replies();
    const unsigned most = session.burst.most();
    const BatchResult got = batch_.receive_from_server(session.upstream->fd(), most);
    session.burst.note(got.count);
    if (got.count == most || got.error == EMSGSIZE)
        due_.push_back(session);  // there may be more
    else
        session.upstream->all_read();
    if (blames_server(got.error)) return server_failed(session, got.error);
    if (got.count == 0 || session.is_one_way()) return;

    if (!session.heard) note_first_answer(session);
    std::uint64_t bytes = 0;
    for (unsigned slot = batch_.used(); slot < batch_.used() + got.count; ++slot)
        bytes += batch_.bytes(slot);
    batch_.add_replies(got.count, session.key, door_);
    session.datagrams_out += got.count;
    session.bytes_out += bytes;
    session.awaiting = false;
    ServiceCounters& counters = session.service().counters;
    counters.datagrams_out.add(got.count);
    counters.bytes_out.add(bytes);
    if (session.is_answered())
        end(session, Reason::none);
    else
        touch(session);
}

// A client that cannot be reached must not hold up the others: its datagram is dropped.
void UdpListener::send_replies() {
    for (unsigned first = 0; first < batch_.used();) {
        const BatchResult sent = batch_.send_to_clients(door_, first);
        first += sent.count;
        if (sent.error == 0) break;
        const bool full = sent.error == EAGAIN || sent.error == ENOBUFS;
        const unsigned lost = full ? batch_.used() - first : 1;
        drop(Reason::datagram_unsent, lost, {}, sent.error);
        first += lost;
    }
    batch_.clear();
}

}  // namespace poise::proxy
