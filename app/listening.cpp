#include "app/listening.hpp"

#include "base/socket_address.hpp"
#include "proxy/listener.hpp"
#include "proxy/udp_socket.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::app {

namespace {

// SO_REUSEPORT shares an address with every process of the same user, so a second Poise would
// take half of the first one's clients in silence. A bind without it tells.
bool somebody_listens(const ListeningPlace& place) {
    return bind_error(place.address, place.transport, false) ==
           EADDRINUSE;  // the real opening tells what else is wrong
}

bool port_is_held(std::span<const ListeningPlace> held, const ListeningPlace& place) {
    return std::ranges::any_of(held, [&](const ListeningPlace& one) {
        return one.transport == place.transport && one.address.port == place.address.port;
    });
}

bool is_held(std::span<const ListeningPlace> held, const ListeningPlace& place) {
    return std::ranges::any_of(held, [&](const ListeningPlace& one) {
        return one.transport == place.transport && one.address == place.address;
    });
}

std::expected<int, std::string> open_socket(const ListeningPlace& place) {
    if (place.transport == config::Transport::udp)
        return proxy::open_udp_listener(place.address, place.floating);
    return proxy::open_listening_socket(place.address, place.floating);
}

}  // namespace

int bind_error(const Address& address, config::Transport transport, bool shared) {
    const SocketAddress where(address);
    const int type = transport == config::Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
    const int fd = ::socket(where.family(), type | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const int on = 1;
    const int off = 0;
    // For UDP it would mean to share the address with all who set it, too.
    if (type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (where.family() == AF_INET6)
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.is_any() ? &off : &on, sizeof on);
    const int error = ::bind(fd, where.get(), where.length) == 0 ? 0 : errno;
    ::close(fd);
    return error;
}

void add_places(const config::Service& service, std::vector<ListeningPlace>& places) {
    if (service.mode != config::Mode::snat) return;  // layer 4 takes its packets
    for (const auto& listen : service.listen)
        places.push_back({service.name, listen.address, config::transport_of(service.protocol)});
}

std::vector<ListeningPlace> listening_places(const config::Config& config) {
    std::vector<ListeningPlace> places;
    for (const auto& service : config.services)
        add_places(service, places);
    for (ListeningPlace& place : places)
        place.floating = std::ranges::any_of(config.floating_ips, [&](const auto& floating) {
            return floating.address.ip == place.address.ip;
        });
    return places;
}

ListeningSockets::~ListeningSockets() {
    for (const auto& sockets : by_worker_)
        for (const Socket& socket : sockets)
            ::close(socket.fd);
}

std::expected<ListeningSockets, std::string> open_listening_sockets(
    std::span<const ListeningPlace> all_places, unsigned workers,
    std::span<const ListeningPlace> held, std::span<const ListeningPlace> ending) {
    std::vector<ListeningPlace> places;
    for (const ListeningPlace& place : all_places)
        if (!is_held(held, place)) places.push_back(place);
    // All are looked at before the first is opened: ours must not look like another's.
    for (const ListeningPlace& place : places) {
        if (port_is_held(held, place) || port_is_held(ending, place)) continue;
        if (!somebody_listens(place)) continue;
        return std::unexpected(
            fmt::format("service {}: {}", place.service,
                        proxy::listen_error(place.address, place.transport, EADDRINUSE)));
    }
    ListeningSockets opened(workers);
    for (const ListeningPlace& place : places) {
        for (unsigned worker = 0; worker < workers; ++worker) {
            auto fd = open_socket(place);
            if (!fd) {
                return std::unexpected(fmt::format("service {}: {}", place.service, fd.error()));
            }
            opened.add(worker, {place.address, *fd, place.transport});
        }
    }
    return opened;
}

}  // namespace poise::app
