// Checks what modes dr and nat cannot do: they see packets, not connections.
#include "config/text_form.hpp"
#include "config/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace poise::config {

namespace {

// What only a proxy can do.
void refuse_proxy_settings(const Service& service, const std::string& path, const Checks& checks) {
    const auto refuse = [&](bool asked, std::string_view key) {
        if (!asked) return;
        checks.error(fmt::format("{}/{}", path, key),
                     fmt::format("'{}' needs mode snat: with mode {} packets pass, of which only "
                                 "addresses are changed",
                                 key, word(service.mode)));
    };
    refuse(!service.rules.empty(), "rules");
    refuse(service.send_proxy != ProxyProtocol::off, "send_proxy");
    refuse(service.expect_replies.has_value(), "expect_replies");
    const PersistenceMethod method = service.persistence.method;
    refuse(method == PersistenceMethod::rdp, "persistence/method");
    for (std::size_t i = 0; i < service.listen.size(); ++i) {
        refuse(service.listen[i].tls.enabled, fmt::format("listen/{}/tls", i));
        refuse(service.listen[i].proxy_protocol, fmt::format("listen/{}/proxy_protocol", i));
    }
}

void validate_server_port(const Server& server, const Service& service, const std::string& at,
                          const Checks& checks) {
    if (server.port == 0) return;
    for (const Listen& listen : service.listen) {
        const bool range = listen.port_last != 0;
        if (service.mode == Mode::nat ? !range : !range && server.port == listen.address.port)
            continue;
        // DR leaves the packet as it is but for its destination MAC: the server sees the port that
        // the client asked for.
        const std::string from =
            range ? fmt::format("ports {}-{}", listen.address.port, listen.port_last)
                  : fmt::format("port {}", listen.address.port);
        checks.error(
            at,
            fmt::format("mode {} cannot translate {} to {}", word(service.mode), from, server.port),
            service.mode == Mode::nat ? "leave the server's port out: the packets keep theirs"
                                      : "leave the server's port out, or use mode nat or snat");
        return;
    }
}

void validate_server(const Server& server, const Service& service, const std::string& at,
                     const Checks& checks) {
    if (checks.places.broken(at)) return;
    if (server.tls || server.http2) {
        return checks.error(at, fmt::format("'tls' and 'http2' of a server need mode snat; this "
                                            "service has {}",
                                            word(service.mode)));
    }
    if (!server.address) {
        return checks.error(at + "/address",
                            fmt::format("mode {} needs the address of a server, not a name, "
                                        "found {}",
                                        word(service.mode), quote(server.host)));
    }
    for (const Listen& listen : service.listen) {
        if (listen.address.port == 0) continue;  // could not be read
        if (listen.address.is_v4() == server.address->is_v4()) continue;
        checks.error(at + "/address",
                     fmt::format("mode {} cannot translate between IPv4 and IPv6: the service "
                                 "listens on {}, the server is {}",
                                 word(service.mode), to_string(listen.address), server.host),
                     "use mode snat, or a service for each of them");
        return;
    }
    validate_server_port(server, service, at + "/address", checks);
}

void validate_listen(const Service& service, const std::string& path, const Checks& checks) {
    for (std::size_t i = 0; i < service.listen.size(); ++i) {
        const Listen& listen = service.listen[i];
        const auto at = fmt::format("{}/listen/{}", path, i);
        if (checks.places.broken(at) || !listen.address.is_any()) continue;
        checks.error(at,
                     fmt::format("mode {} needs one address to listen on, found {}",
                                 word(service.mode), to_string(listen.address)),
                     "write the virtual address: 10.0.0.100:80");
    }
}

// Pairs and single datagrams contradict each other: one wants the same server, one another.
void validate_flows(const Service& service, const std::string& path, const Checks& checks) {
    const Layer4& layer4 = service.layer4;
    if (layer4.masquerade && service.mode == Mode::dr) {
        checks.error(path + "/layer4/masquerade",
                     "'masquerade' needs mode nat: with mode dr servers have a way out of their "
                     "own");
    }
    if (!layer4.rtp_pairs) return;
    const auto at = path + "/layer4/rtp_pairs";
    if (service.protocol != Protocol::udp)
        checks.error(at, "'rtp_pairs' needs protocol udp");
    else if (layer4.one_packet)
        checks.error(at, "'rtp_pairs' and 'one_packet' contradict each other",
                     "leave one of them out");
    else if (std::ranges::none_of(service.listen,
                                  [](const Listen& one) { return one.port_last != 0; }))
        checks.error(at, "'rtp_pairs' needs a range of ports to listen on",
                     "write for example: listen: \"10.0.0.100:16384-16483\"");
}

}  // namespace

void validate_layer4(const Service& service, const std::string& path, const Checks& checks) {
    if (checks.places.broken(path + "/mode") || checks.places.broken("defaults/mode")) return;
    if (service.mode == Mode::snat) {
        for (std::size_t i = 0; i < service.listen.size(); ++i) {
            const auto at = fmt::format("{}/listen/{}", path, i);
            if (service.listen[i].port_last == 0 || checks.places.broken(at)) continue;
            checks.error(at, "a range of ports needs mode nat or dr",
                         "write mode: nat, or each port by itself");
        }
        return;
    }
    if (service.protocol != Protocol::tcp && service.protocol != Protocol::udp) {
        if (checks.places.broken(path + "/protocol") || checks.places.broken("defaults/protocol"))
            return;
        return checks.error(path + "/protocol",
                            fmt::format("mode {} works with protocol tcp and udp, but service "
                                        "'{}' has {}",
                                        word(service.mode), service.name, word(service.protocol)),
                            "write protocol: tcp");
    }
    refuse_proxy_settings(service, path, checks);
    validate_listen(service, path, checks);
    validate_flows(service, path, checks);
    for (std::size_t i = 0; i < service.servers.size(); ++i)
        validate_server(service.servers[i], service, fmt::format("{}/servers/{}", path, i), checks);
    if (service.fallback && service.fallback->server)
        validate_server(*service.fallback->server, service, path + "/fallback/server", checks);
}

void validate_ranges(const std::vector<Service>& services, const Checks& checks) {
    struct Ports {
        Transport transport;
        Address first;
        std::uint16_t last;
        std::string path;
    };
    std::vector<Ports> all;
    for (std::size_t i = 0; i < services.size(); ++i) {
        for (std::size_t j = 0; j < services[i].listen.size(); ++j) {
            const Listen& listen = services[i].listen[j];
            all.push_back({transport_of(services[i].protocol), listen.address,
                           std::max(listen.port_last, listen.address.port),
                           fmt::format("services/{}/listen/{}", i, j)});
        }
    }
    std::ranges::sort(
        all, {}, [](const Ports& one) { return std::tuple(one.transport, one.first, one.last); });
    for (std::size_t i = 1; i < all.size(); ++i) {
        const Ports& before = all[i - 1];
        Ports& one = all[i];
        if (before.transport != one.transport || before.first.ip != one.first.ip) continue;
        if (one.first.port > before.last) continue;
        // Two equal ports without a range are told of elsewhere.
        if (before.first.port != before.last || one.first.port != one.last) {
            checks.error(one.path,
                         fmt::format("{} is within the ports that line {} listens on",
                                     to_string(one.first), checks.places.at(before.path).line),
                         "each port of an address belongs to one service");
        }
        one.last = std::max(one.last, before.last);
    }
}

}  // namespace poise::config
