#include "proxy/first_packet.hpp"

#include "tls/client_hello.hpp"

#include <string>
#include <string_view>

namespace poise::proxy {

namespace {

enum class Heard : std::uint8_t {
    whole,
    ended,  // the client sends no more; what it has sent is there
    gone,   // the connection broke, ended without a byte, or need not be waited for
    timed_out,
    cancelled,  // Poise stops, or the service has ended
};

// Reads until `is_whole` says so of what has come.
template <typename IsWhole>
Task<Heard> hear(Client& client, std::chrono::milliseconds limit, IsWhole is_whole) {
    client.waiter.expires_after(limit);
    for (;;) {
        if (!client.in.empty() && is_whole(client.in.view())) co_return Heard::whole;
        if (client.in.space().empty() && !client.in.make_room()) co_return Heard::whole;
        const auto read = client.stream->try_read(client.in.space());
        client.in.commit(read.bytes);
        if (read.ok()) continue;
        if (read.state == Io::failed) co_return Heard::gone;
        if (read.state == Io::end) co_return client.in.empty() ? Heard::gone : Heard::ended;
        client.in.release_if_empty();
        // Who has said nothing yet is not waited for by a stop or a removal.
        if (client.in.empty() && client.is_leaving()) co_return Heard::gone;
        client.stream->want(client.waiter, Direction::read);
        const Wake why = co_await client.waiter.sleep();
        if (why == Wake::timed_out) co_return Heard::timed_out;
        if (why == Wake::cancelled || client.worker_service().ended) co_return Heard::cancelled;
    }
}

Failure failure_of(Heard heard) {
    switch (heard) {
        case Heard::timed_out:
            return {Reason::first_packet_timeout, Phase::first_packet};
        case Heard::ended:
            return {Reason::client_closed, Phase::first_packet};
        case Heard::cancelled:
            return {Reason::draining, Phase::first_packet};
        default:
            return {};
    }
}

TcpRoute nowhere(Heard heard) {
    TcpRoute route;
    route.failure = failure_of(heard);
    return route;
}

// What is no ClientHello names no server. It is not refused: behind the service's own servers may
// stand what knows it.
Task<Heard> hear_server_name(Client& client, std::string& name) {
    using State = tls::ClientHello::State;
    const auto is_whole = [&name](std::string_view bytes) {
        auto hello = tls::read_client_hello(bytes);
        if (hello.state == State::needs_more) return false;
        if (hello.state == State::found) name = std::move(hello.server_name);
        return true;
    };
    co_return co_await hear(client, client.worker_service().service.configured.timeouts.handshake,
                            is_whole);
}

// RDP has no rules: its first packet says which server of the pool it is for.
Task<TcpRoute> hear_rdp_request(Client& client) {
    using State = persistence::RdpRequest::State;
    WorkerService& own = client.worker_service();
    const config::Timeouts& timeouts = own.service.configured.timeouts;
    persistence::RdpRequest request;
    const auto is_whole = [&request](std::string_view bytes) {
        request = persistence::read_rdp_request(bytes);
        return request.state != State::needs_more;
    };
    const Heard heard = co_await hear(client, timeouts.handshake, is_whole);
    if (heard != Heard::whole) co_return nowhere(heard);
    TcpRoute route;
    if (request.state != State::found) {
        route.failure = {Reason::bad_first_packet, Phase::first_packet};
        co_return route;
    }
    route.service = &own;
    route.timeouts = &timeouts;
    route.rdp = request;
    co_return route;
}

}  // namespace

Task<TcpRoute> route_connection(Client& client) {
    WorkerService& own = client.worker_service();
    if (own.service.configured.protocol == config::Protocol::rdp)
        co_return co_await hear_rdp_request(client);
    const Router& router = own.service.router;
    TcpRoute route;
    route.service = &own;
    route.timeouts = &own.service.configured.timeouts;
    std::string server_name;
    if (router.needs_server_name(client.address)) {
        const Heard heard = co_await hear_server_name(client, server_name);
        if (heard != Heard::whole && heard != Heard::ended) co_return nowhere(heard);
    }
    if (const auto* rule = router.match(server_name, client.address)) {
        route.service = client.generation()->services[own.service.rule_services[rule->index]].get();
        route.timeouts =
            rule->timeouts ? &*rule->timeouts : &route.service->service.configured.timeouts;
    }
    co_return route;
}

}  // namespace poise::proxy
