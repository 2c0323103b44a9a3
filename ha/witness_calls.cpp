#include "ha/witness_calls.hpp"

#include "ha/kernel_neighbours.hpp"
#include "ha/netlink.hpp"
#include "ha/packet_socket.hpp"
#include "ha/witnesses.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <utility>

namespace poise::ha {

namespace {

constexpr std::chrono::seconds learn_interval{5};
// What one tick reads at most: a storm of ARP must not hold up the beats.
constexpr int frames_a_tick_max = 128;
constexpr std::size_t frame_room = 256;
constexpr std::chrono::seconds mac_good_for{1};

bool is_near(const Address& address, const std::vector<config::FloatingAddress>& floating) {
    return std::ranges::any_of(floating, [&](const config::FloatingAddress& each) {
        const int bits = each.prefix_length + (each.address.is_v4() ? 96 : 0);
        return each.address.is_v4() == address.is_v4() &&
               Prefix{masked(each.address, bits), bits}.contains(address);
    });
}

// What an interface has, the floating ones among it.
std::vector<Address> addresses_on(const std::string& interface) {
    ifaddrs* list = nullptr;
    std::vector<Address> found;
    if (::getifaddrs(&list) != 0) return found;
    for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr || interface != each->ifa_name) continue;
        Address address;
        if (each->ifa_addr->sa_family == AF_INET) {
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
            address.ip[10] = address.ip[11] = 0xff;
            std::memcpy(address.ip.data() + 12, &v4->sin_addr, 4);
        } else if (each->ifa_addr->sa_family == AF_INET6) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(each->ifa_addr);
            std::memcpy(address.ip.data(), &v6->sin6_addr, 16);
        } else {
            continue;
        }
        found.push_back(address);
    }
    ::freeifaddrs(list);
    return found;
}

struct Witness {
    Address ip;
    bool votes = true;        // the other node is asked too, to know what is the same machine
    Mac mac = broadcast_mac;  // as he has said
    Time answered{};
};

}  // namespace

// One interface, the witnesses behind it, and in whose name they are asked.
struct WitnessCalls::Link {
    explicit Link(std::string its_name) : name(std::move(its_name)) {}

    bool open();
    void take_names(const std::vector<Address>& floating);
    const Address* own(bool is_v4) const;
    bool take(const NeighbourPacket& packet, Time now);
    bool counts(const Witness& witness) const;

    std::string name;
    unsigned index = 0;
    Mac mac{};
    std::vector<config::FloatingAddress> addresses;
    std::vector<PacketSocket> sockets;
    std::optional<Address> own_v4, own_v6;
    std::vector<Witness> witnesses;
};

bool WitnessCalls::Link::open() {
    const unsigned now = interface_index(name);
    const auto its_mac = interface_mac(name);
    if (now != index) sockets.clear();
    index = now;
    if (index == 0 || !its_mac) return false;
    mac = *its_mac;
    if (!sockets.empty()) return true;
    for (const auto family : {PacketSocket::Family::arp, PacketSocket::Family::ipv6}) {
        auto opened = PacketSocket::open(family, index);
        if (!opened) {
            sockets.clear();
            return false;
        }
        sockets.push_back(std::move(*opened));
    }
    return true;
}

// An ARP question may come from nobody (RFC 5227, 1.1); one of IPv6 needs a sender.
void WitnessCalls::Link::take_names(const std::vector<Address>& floating) {
    own_v4 = *parse_ip("0.0.0.0");
    own_v6.reset();
    for (const Address& each : addresses_on(name)) {
        if (std::ranges::find(floating, each) != floating.end()) continue;
        (each.is_v4() ? own_v4 : own_v6) = each;
    }
}

const Address* WitnessCalls::Link::own(bool is_v4) const {
    const auto& name_of_family = is_v4 ? own_v4 : own_v6;
    return name_of_family ? &*name_of_family : nullptr;
}

// When the other node's machine is gone, so is what else runs there.
bool WitnessCalls::Link::counts(const Witness& witness) const {
    return witness.votes && std::ranges::none_of(witnesses, [&](const Witness& each) {
               return !each.votes && each.mac != broadcast_mac && each.mac == witness.mac;
           });
}

bool WitnessCalls::Link::take(const NeighbourPacket& packet, Time now) {
    if (packet.kind != NeighbourPacket::Kind::answer) return false;
    const auto who = std::ranges::find(witnesses, packet.sender, &Witness::ip);
    if (who == witnesses.end()) return false;
    who->mac = packet.mac;
    who->answered = now;
    return counts(*who);
}

WitnessCalls::WitnessCalls(std::vector<config::FloatingAddress> addresses,
                           std::vector<Address> others)
    : addresses_(std::move(addresses)), others_(std::move(others)) {
    for (Address& each : others_)
        each.port = 0;
    make_links();
}

WitnessCalls::~WitnessCalls() = default;

void WitnessCalls::make_links() {
    links_.clear();
    for (const config::FloatingAddress& each : addresses_) {
        const auto known =
            std::ranges::find(links_, each.interface, [](const auto& link) { return link->name; });
        Link& link = known != links_.end()
                         ? **known
                         : *links_.emplace_back(std::make_unique<Link>(each.interface));
        link.addresses.push_back(each);
    }
    learn_at_ = {};
}

void WitnessCalls::set_servers(std::vector<Address> servers) {
    servers_ = std::move(servers);
    learn_at_ = {};
}

void WitnessCalls::change(std::vector<config::FloatingAddress> addresses) {
    if (addresses == addresses_) return;
    addresses_ = std::move(addresses);
    make_links();
}

void WitnessCalls::learn(Time now) {
    learn_at_ = now + learn_interval;
    auto socket = NetlinkSocket::open();
    std::vector<Address> floating;
    for (const auto& each : addresses_)
        floating.push_back(each.address);
    for (const auto& link : links_) {
        const std::vector<Witness> before = std::exchange(link->witnesses, {});
        if (!link->open()) continue;
        link->take_names(floating);
        const auto add = [&](const Address& address, bool votes) {
            const auto same = [&](const Witness& each) { return each.ip == address; };
            if (std::ranges::find(floating, address) != floating.end() ||
                link->witnesses.size() == witnesses_max ||
                std::ranges::any_of(link->witnesses, same))
                return;
            const auto known = std::ranges::find_if(before, same);
            link->witnesses.push_back(known != before.end() ? *known : Witness{address, votes});
        };
        for (const Address& other : others_)
            if (is_near(other, link->addresses)) add(other, false);
        for (const int family : {AF_INET, AF_INET6})
            if (const auto gateway =
                    socket ? gateway_of(*socket, family, link->index) : std::nullopt)
                add(*gateway, true);
        for (const Address& server : servers_)
            if (is_near(server, link->addresses)) add(server, true);
    }
}

void WitnessCalls::ask(Time now) {
    for (const auto& link : links_) {
        for (const Witness& each : link->witnesses) {
            const Address* const own = link->own(each.ip.is_v4());
            if (own == nullptr) continue;
            // He may have got another one.
            const Mac to = now - each.answered < mac_good_for ? each.mac : broadcast_mac;
            // A question that cannot leave has no answer.
            [[maybe_unused]] const bool sent =
                link->sockets.front().send(make_question(*own, link->mac, each.ip, to));
        }
    }
}

bool WitnessCalls::heard(Time now) {
    if (now >= learn_at_) learn(now);
    bool any = false;
    std::array<std::byte, frame_room> room{};
    for (const auto& link : links_) {
        for (const PacketSocket& socket : link->sockets) {
            for (int frames = 0; frames < frames_a_tick_max; ++frames) {
                const auto frame = socket.receive(room);
                if (frame.empty()) break;
                const auto packet = parse_neighbour_packet(frame);
                if (packet && link->take(*packet, now)) any = true;
            }
        }
    }
    return any;
}

std::vector<WitnessStatus> WitnessCalls::status(Time now) const {
    std::vector<WitnessStatus> all;
    for (const auto& link : links_) {
        for (const Witness& each : link->witnesses) {
            if (!link->counts(each)) continue;
            const bool answers =
                each.answered != Time{} && now - each.answered <= Witnesses::used_to_answer;
            all.push_back({ip_to_string(each.ip), answers});
        }
    }
    return all;
}

}  // namespace poise::ha
