#include "app/layer4_services.hpp"

#include "app/layer4.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace poise::app {

namespace {

std::uint8_t protocol_of(const config::Service& service) {
    return config::transport_of(service.protocol) == config::Transport::udp ? l4::protocol_udp
                                                                            : l4::protocol_tcp;
}

// Where a server's answers come from: its port, or the ports that are left as they are.
void add_server_ports(const l4::ServerEntry& server, const config::Service& service,
                      std::vector<l4::PortRange>& ports) {
    const std::uint8_t protocol = protocol_of(service);
    if (server.port != 0) {
        ports.push_back({server.ip, protocol, server.port, server.port, server.service, 0});
        return;
    }
    for (const config::Listen& listen : service.listen) {
        ports.push_back({server.ip, protocol, listen.address.port,
                         std::max(listen.port_last, listen.address.port), server.service, 0});
    }
}

}  // namespace

std::shared_ptr<const l4::Services> Layer4Services::make(const proxy::Generation& generation) {
    auto services = std::make_shared<l4::Services>();
    for (l4::ServerEntry& server : servers_)
        server.service = l4::ServerEntry::gone;
    std::vector<l4::PortRange> by_destination;
    std::vector<l4::PortRange> by_server;
    for (const auto& service : generation.services) {
        const config::Service& configured = service->configured;
        if (!is_layer4(configured)) continue;
        const auto number = static_cast<std::uint16_t>(services->services.size());
        auto made = make_service(*service, *services);
        for (const config::Listen& listen : configured.listen) {
            by_destination.push_back({listen.address.ip, protocol_of(configured),
                                      listen.address.port,
                                      std::max(listen.port_last, listen.address.port), number,
                                      vip_of(listen.address.ip)});
        }
        if (configured.mode == config::Mode::nat)
            for (const l4::ServerEntry& server : servers_)
                if (server.service == number) add_server_ports(server, configured, by_server);
        services->services.push_back(std::move(made));
    }
    services->servers = servers_;
    services->vips = vips_;
    services->by_destination = l4::PortTable(std::move(by_destination));
    services->by_server = l4::PortTable(std::move(by_server));
    return services;
}

std::shared_ptr<l4::Service> Layer4Services::make_service(const proxy::Service& service,
                                                          l4::Services& services) {
    const config::Service& configured = service.configured;
    const auto service_number = static_cast<std::uint16_t>(services.services.size());
    auto made = std::make_shared<l4::Service>();
    made->name = configured.name;
    made->mode = configured.mode;
    made->scheduler = configured.scheduler;
    made->layer4 = configured.layer4;
    made->pool = service.pool;
    made->table = service.table;
    made->keys = service.keys;
    made->server_ids = service.server_ids;
    const auto take = [&](const std::shared_ptr<pool::RealServer>& server) {
        const std::uint16_t number = number_of(configured.name, server);
        servers_[number].service = service_number;
        return number;
    };
    for (const auto& server : service.pool->servers())
        made->servers.push_back(take(server));
    if (service.fallback_server) made->fallback = take(service.fallback_server);
    if (configured.layer4.masquerade) made->masquerade = configured.listen.front().address.ip;
    auto& counters = counters_[configured.name];
    while (counters.size() < threads_)
        counters.push_back(std::make_shared<l4::ServiceCounters>());
    made->counters = counters;
    return made;
}

std::uint16_t Layer4Services::number_of(const std::string& service,
                                        const std::shared_ptr<pool::RealServer>& server) {
    const auto [known, is_new] =
        numbers_.try_emplace({service, server.get()}, static_cast<std::uint16_t>(servers_.size()));
    if (!is_new) return known->second;
    const Address& address = *server->configured().address;
    servers_.push_back({server, address.ip, server->configured().port, l4::ServerEntry::gone});
    return known->second;
}

std::uint16_t Layer4Services::vip_of(const l4::Ip& ip) {
    const auto number = std::ranges::find(vips_, ip) - vips_.begin();
    if (number == std::ssize(vips_)) vips_.push_back(ip);
    return static_cast<std::uint16_t>(number);
}

const std::vector<std::shared_ptr<l4::ServiceCounters>>* Layer4Services::counters(
    const std::string& service) const {
    const auto found = counters_.find(service);
    return found == counters_.end() ? nullptr : &found->second;
}

}  // namespace poise::app
