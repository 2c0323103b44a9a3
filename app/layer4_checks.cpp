#include "app/layer4_checks.hpp"

#include "ha/packet_socket.hpp"
#include "l4/neighbours.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <optional>
#include <poll.h>
#include <string>

namespace poise::app {

namespace {

using Clock = std::chrono::steady_clock;
using tls::Problem;

constexpr std::chrono::milliseconds patience{300};
constexpr std::size_t answers_max = 64;  // of one question: more machines would be a loop

void warn_of_forwarding(const config::Service& service, std::vector<Problem>& warnings) {
    if (!service.layer4.masquerade || service.listen.empty()) return;
    const bool v4 = service.listen.front().address.is_v4();
    if (kernel_forwards(v4)) return;
    warnings.push_back(
        {fmt::format("service '{}' has 'masquerade', but the kernel forwards no IPv{} packets, so "
                     "what its servers begin goes nowhere",
                     service.name, v4 ? 4 : 6),
         v4 ? "sysctl -w net.ipv4.ip_forward=1, and for good in /etc/sysctl.d"
            : "sysctl -w net.ipv6.conf.all.forwarding=1, and for good in /etc/sysctl.d"});
}

// Who on the link says that he has `ip`.
std::vector<ha::Mac> owners_of(const Address& ip, const l4::Interface& link) {
    std::vector<ha::Mac> owners;
    const auto number = static_cast<unsigned>(link.index);
    const auto socket = ha::PacketSocket::open(ha::PacketSocket::Family::arp, number);
    if (!socket) return owners;
    const Address nobody{*parse_ip("0.0.0.0")};  // a probe: it changes nobody's table
    if (!socket->send(ha::make_question(nobody, link.mac, ip, ha::broadcast_mac))) return owners;
    std::array<std::byte, 2'048> room{};
    for (const auto end = Clock::now() + patience; owners.size() < answers_max;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd watched{socket->fd(), POLLIN, 0};
        if (left <= 0 || ::poll(&watched, 1, static_cast<int>(left)) <= 0) break;
        const auto frame = socket->receive(room);
        const auto packet = ha::parse_neighbour_packet(frame);
        if (packet && packet->kind == ha::NeighbourPacket::Kind::answer &&
            packet->sender.ip == ip.ip)
            owners.push_back(packet->mac);
    }
    return owners;
}

void warn_of_answer(const config::Service& service, const config::Server& server, const Address& ip,
                    std::vector<Problem>& warnings) {
    warnings.push_back(
        {fmt::format("service '{}': its server {} answers ARP for {}, so clients may find it "
                     "without passing Poise",
                     service.name, server.name, ip_to_string(ip)),
         "on the server: the address on lo alone, and sysctl -w net.ipv4.conf.all.arp_ignore=1 "
         "net.ipv4.conf.all.arp_announce=2"});
}

void warn_of_answers(const config::Service& service, l4::Neighbours& network,
                     std::vector<Problem>& warnings) {
    if (service.mode != config::Mode::dr || service.servers.empty()) return;
    const auto interfaces = network.interfaces();
    for (const config::Listen& listen : service.listen) {
        if (!listen.address.is_v4()) continue;
        const auto& first = service.servers.front();
        const auto route = network.route_to(first.address->ip);
        if (!route) continue;
        for (const config::Server& server : service.servers)
            network.look_for(route->interface, server.address->ip);
        const auto link = std::ranges::find(interfaces, route->interface, &l4::Interface::index);
        if (link == interfaces.end()) continue;
        const auto owners = owners_of(listen.address, *link);
        if (owners.empty()) continue;
        const auto neighbours = network.neighbours();
        for (const config::Server& server : service.servers) {
            const bool answers = std::ranges::any_of(neighbours, [&](const l4::Neighbour& one) {
                return one.ip == server.address->ip &&
                       std::ranges::find(owners, one.mac) != owners.end();
            });
            if (answers) warn_of_answer(service, server, listen.address, warnings);
        }
    }
}

}  // namespace

bool kernel_forwards(bool v4) {
    std::ifstream file(v4 ? "/proc/sys/net/ipv4/ip_forward"
                          : "/proc/sys/net/ipv6/conf/all/forwarding");
    int value = 0;
    return static_cast<bool>(file >> value) && value != 0;
}

std::vector<Problem> layer4_warnings(const config::Config& config) {
    std::vector<Problem> warnings;
    const auto network = l4::Neighbours::open();
    for (const config::Service& service : config.services) {
        warn_of_forwarding(service, warnings);
        if (network) warn_of_answers(service, **network, warnings);
    }
    return warnings;
}

}  // namespace poise::app
