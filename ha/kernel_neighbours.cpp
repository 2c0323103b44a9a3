#include "ha/kernel_neighbours.hpp"

#include <algorithm>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <optional>
#include <sys/socket.h>

namespace poise::ha {

namespace {

std::optional<Address> address_in(std::span<const std::byte> bytes) {
    Address address;
    if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
    if (bytes.size() == 4) address.ip[10] = address.ip[11] = 0xff;
    std::memcpy(address.ip.data() + address.ip.size() - bytes.size(), bytes.data(), bytes.size());
    return address;
}

bool is_multicast(const Address& address) {
    return address.is_v4() ? (address.ip[12] & 0xf0) == 0xe0 : address.ip[0] == 0xff;
}

std::optional<Neighbour> neighbour_in(const NetlinkMessage& message, unsigned interface) {
    constexpr unsigned known = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
    const auto header = message.header<ndmsg>();
    if (message.type() != RTM_NEWNEIGH || header.ndm_ifindex != static_cast<int>(interface) ||
        (header.ndm_state & known) == 0)
        return std::nullopt;
    const auto ip = address_in(message.attribute(sizeof header, NDA_DST));
    const auto mac = message.attribute(sizeof header, NDA_LLADDR);
    Neighbour neighbour;
    if (!ip || mac.size() != neighbour.mac.size() || is_multicast(*ip)) return std::nullopt;
    neighbour.ip = *ip;
    std::memcpy(neighbour.mac.data(), mac.data(), mac.size());
    return neighbour;
}

}  // namespace

// Through whom a packet would leave to an address that nobody has (RFC 5737, RFC 3849). Asking
// for one way, not for the table of all, which may be long.
std::optional<Address> gateway_of(NetlinkSocket& socket, int family, unsigned interface) {
    const Address nowhere = *parse_ip(family == AF_INET ? "192.0.2.1" : "2001:db8::1");
    const auto all = std::as_bytes(std::span(nowhere.ip));
    const auto bytes = family == AF_INET ? all.subspan(12) : all;
    NetlinkBatch question;
    question.begin(RTM_GETROUTE, 0);
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(family);
    header.rtm_dst_len = static_cast<unsigned char>(bytes.size() * 8);
    question.header(header);
    question.attribute(RTA_DST, bytes);
    question.attribute(RTA_OIF, interface);
    std::optional<Address> found;
    // No way there is no fault: there is no gateway then.
    [[maybe_unused]] const auto ignored = socket.list(question, [&](const NetlinkMessage& message) {
        if (message.type() == RTM_NEWROUTE)
            found = address_in(message.attribute(sizeof(rtmsg), RTA_GATEWAY));
    });
    return found;
}

std::vector<Neighbour> kernel_neighbours(NetlinkSocket& socket, unsigned interface) {
    NetlinkBatch question;
    question.begin(RTM_GETNEIGH, NLM_F_DUMP);
    question.header(ndmsg{});
    question.attribute(NDA_IFINDEX, interface);
    std::vector<Neighbour> all;
    // An error leaves what came before it: better some neighbours than none.
    [[maybe_unused]] const auto ignored = socket.list(question, [&](const NetlinkMessage& message) {
        const auto neighbour = neighbour_in(message, interface);
        if (neighbour && all.size() < neighbours_max) all.push_back(*neighbour);
    });
    for (const int family : {AF_INET, AF_INET6}) {
        const auto ip = gateway_of(socket, family, interface);
        if (ip && all.size() < neighbours_max &&
            std::ranges::find(all, *ip, &Neighbour::ip) == all.end())
            all.push_back({.ip = *ip});
    }
    return all;
}

}  // namespace poise::ha
