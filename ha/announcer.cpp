#include "ha/announcer.hpp"

#include "ha/kernel_neighbours.hpp"
#include "ha/netlink.hpp"
#include "ha/packet_socket.hpp"
#include "ha/recent_neighbours.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace poise::ha {

namespace {

// How often the neighbour table is read, and how often interfaces that were missing are tried.
constexpr std::chrono::seconds learn_interval{5};
constexpr std::chrono::milliseconds look_interval{100};
// What one tick reads at most: a storm of ARP must not hold up the beats.
constexpr int frames_a_tick_max = 128;
constexpr std::size_t frame_room = 256;

}  // namespace

// One interface and what it carries.
struct Announcer::Link {
    explicit Link(std::string its_name) : name(std::move(its_name)) {}

    bool open();
    void close() { sockets.clear(); }
    // Any of them sends any frame.
    const PacketSocket* socket() const {
        return sockets.empty() ? nullptr : &sockets.front().second;
    }

    std::string name;
    unsigned index = 0;
    std::vector<config::FloatingAddress> addresses;
    std::vector<Address> plain;  // the same without prefix and interface
    std::vector<std::pair<PacketSocket::Family, PacketSocket>> sockets;
    Announcements announcements{Mac{}};
    RecentNeighbours recent;
    bool complained = false;
    bool fresh = false;  // opened, and nothing was announced there since
};

// Opens what is not open yet, or anew when the interface is another one than before.
bool Announcer::Link::open() {
    const unsigned now = interface_index(name);
    const auto mac = interface_mac(name);
    if (now != index) close();
    index = now;
    if (index == 0 || !mac) return false;
    announcements.set_own(*mac);
    if (!sockets.empty()) return true;
    for (const auto family : {PacketSocket::Family::arp, PacketSocket::Family::ipv6}) {
        const bool wanted = std::ranges::any_of(plain, [&](const Address& each) {
            return each.is_v4() == (family == PacketSocket::Family::arp);
        });
        if (!wanted) continue;
        auto opened = PacketSocket::open(family, index);
        if (!opened) return false;
        sockets.emplace_back(family, std::move(*opened));
    }
    fresh = true;
    return true;
}

Announcer::Announcer(std::vector<config::FloatingAddress> addresses)
    : addresses_(std::move(addresses)) {
    make_links();
}

Announcer::~Announcer() = default;

Announcer::Link& Announcer::link_on(const std::string& interface) {
    for (const auto& link : links_)
        if (link->name == interface) return *link;
    return *links_.emplace_back(std::make_unique<Link>(interface));
}

void Announcer::make_links() {
    links_.clear();
    for (const config::FloatingAddress& each : addresses_) {
        Link& link = link_on(each.interface);
        link.addresses.push_back(each);
        link.plain.push_back(each.address);
    }
    for (const auto& link : links_)
        link->announcements.set_addresses(link->plain);
    learn_at_ = {};
}

void Announcer::set_neighbours(std::vector<Address> neighbours) {
    given_ = std::move(neighbours);
    learn_at_ = {};
}

void Announcer::change(std::vector<config::FloatingAddress> addresses, Clock::time_point now) {
    addresses_ = std::move(addresses);
    make_links();
    if (active_) begin(now);
}

void Announcer::begin(Clock::time_point now) {
    active_ = true;
    if (learn_at_ == Clock::time_point{}) learn_neighbours(now);  // else it is fresh enough
    for (const auto& link : links_) {
        link->open();  // it may be another one than when it was looked at last
        announce(*link, now);
    }
}

void Announcer::announce(Link& link, Clock::time_point now) {
    link.fresh = false;
    link.announcements.set_neighbours(link.recent.all());
    link.announcements.begin(now);
    send(link, now);
}

void Announcer::end() {
    active_ = false;
    for (const auto& link : links_)
        link->announcements.end();
}

void Announcer::learn_neighbours(Clock::time_point now) {
    learn_at_ = now + learn_interval;
    auto socket = NetlinkSocket::open();
    for (const auto& link : links_) {
        if (!link->open()) continue;
        if (socket)
            for (const Neighbour& each : kernel_neighbours(*socket, link->index))
                each.mac == broadcast_mac ? link->recent.add(each, now)
                                          : link->recent.note(each, now);
        for (const Address& each : given_) {
            const bool is_near =
                std::ranges::any_of(link->addresses, [&](const config::FloatingAddress& floating) {
                    const int bits = floating.prefix_length + (floating.address.is_v4() ? 96 : 0);
                    return Prefix{masked(floating.address, bits), bits}.contains(each);
                });
            if (is_near) link->recent.add({.ip = each}, now);
        }
        link->announcements.set_neighbours(link->recent.all());
    }
}

std::vector<std::string> Announcer::tick(Clock::time_point now) {
    std::vector<std::string> lines;
    if (now >= learn_at_) learn_neighbours(now);
    const bool looks = now >= look_at_;
    if (looks) look_at_ = now + look_interval;
    for (const auto& link : links_) {
        if (looks && link->sockets.empty()) link->open();
        if (link->sockets.empty()) {
            if (!std::exchange(link->complained, true))
                lines.push_back(fmt::format(
                    "interface {} cannot announce floating addresses: {}", link->name,
                    link->index == 0 ? "it does not exist"
                                     : "it is no Ethernet, or Poise lacks CAP_NET_RAW"));
            continue;
        }
        link->complained = false;
        receive(*link, now, lines);
        if (link->fresh && active_)
            announce(*link, now);
        else
            send(*link, now);
    }
    return lines;
}

void Announcer::receive(Link& link, Clock::time_point now, std::vector<std::string>& lines) {
    std::array<std::byte, frame_room> room{};
    for (const auto& [family, socket] : link.sockets) {
        for (int frames = 0; frames < frames_a_tick_max; ++frames) {
            const auto frame = socket.receive(room);
            if (frame.empty()) break;
            const auto packet = parse_neighbour_packet(frame);
            if (!packet) continue;
            link.recent.heard(*packet, link.plain, now);
            if (!link.announcements.heard(*packet, now)) continue;
            const Conflict& conflict = link.announcements.conflicts().back();
            lines.push_back(fmt::format("another host on {}, {}, claims the floating address {}",
                                        link.name, to_string(conflict.mac),
                                        ip_to_string(conflict.address)));
        }
    }
}

void Announcer::send(Link& link, Clock::time_point now) {
    const PacketSocket* const socket = link.socket();
    for (const Frame& frame : link.announcements.due(now)) {
        if (socket != nullptr && socket->send(frame)) ++frames_sent_;
    }
}

std::vector<int> Announcer::descriptors() const {
    std::vector<int> all;
    for (const auto& link : links_)
        for (const auto& [family, socket] : link->sockets)
            all.push_back(socket.fd());
    return all;
}

std::vector<Unconfirmed> Announcer::unconfirmed() const {
    std::vector<Unconfirmed> all;
    for (const auto& link : links_)
        std::ranges::copy(link->announcements.unconfirmed(), std::back_inserter(all));
    return all;
}

std::vector<Conflict> Announcer::conflicts() const {
    std::vector<Conflict> all;
    for (const auto& link : links_)
        std::ranges::copy(link->announcements.conflicts(), std::back_inserter(all));
    return all;
}

}  // namespace poise::ha
