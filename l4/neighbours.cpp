#include "l4/neighbours.hpp"

#include "base/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::l4 {

namespace {

constexpr std::size_t answer_bytes = 65'536;
constexpr int answers_max = 10'000;  // datagrams of one dump

// A request with room for its attributes.
template <typename Body>
struct Request {
    nlmsghdr header{};
    Body body{};
    std::array<std::uint8_t, 64> attributes{};

    Request(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence) {
        header.nlmsg_len = NLMSG_LENGTH(sizeof(Body));
        header.nlmsg_type = type;
        header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header.nlmsg_seq = sequence;
    }
    void add(std::uint16_t type, std::span<const std::uint8_t> value) {
        auto* const at = reinterpret_cast<std::uint8_t*>(this) + NLMSG_ALIGN(header.nlmsg_len);
        const rtattr attribute{static_cast<std::uint16_t>(RTA_LENGTH(value.size())), type};
        std::memcpy(at, &attribute, sizeof attribute);
        std::memcpy(at + RTA_LENGTH(0), value.data(), value.size());
        header.nlmsg_len =
            static_cast<std::uint32_t>(NLMSG_ALIGN(header.nlmsg_len) + RTA_SPACE(value.size()));
    }
};

// Sends it and calls `take(message)` with each answer, until the kernel says that it is done.
template <typename Body, typename Take>
void ask(int fd, const Request<Body>& request, bool dump, const Take& take) {
    if (::send(fd, &request, request.header.nlmsg_len, 0) < 0) return;
    std::vector<std::uint8_t> buffer(answer_bytes);
    for (int i = 0; i < answers_max; ++i) {
        const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        auto left = static_cast<unsigned>(got);
        for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
             NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_seq != request.header.nlmsg_seq) continue;
            if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return;
            take(*message);
            if (!dump) return;
        }
    }
}

using Value = std::span<const std::uint8_t>;

// Calls `take(type, value)` with each attribute behind the body.
template <typename Body, typename Take>
void each_attribute(const nlmsghdr& message, const Take& take) {
    const auto* const data = reinterpret_cast<const std::uint8_t*>(NLMSG_DATA(&message));
    auto left = static_cast<int>(message.nlmsg_len - NLMSG_LENGTH(sizeof(Body)));
    for (const auto* one = reinterpret_cast<const rtattr*>(data + NLMSG_ALIGN(sizeof(Body)));
         RTA_OK(one, left); one = RTA_NEXT(one, left))
        take(one->rta_type & NLA_TYPE_MASK,
             Value(static_cast<const std::uint8_t*>(RTA_DATA(one)), RTA_PAYLOAD(one)));
}

template <typename Body>
const Body& body_of(const nlmsghdr& message) {
    return *static_cast<const Body*>(NLMSG_DATA(&message));
}

std::uint32_t number(Value value) {
    std::uint32_t made = 0;
    if (value.size() == sizeof made) std::memcpy(&made, value.data(), sizeof made);
    return made;
}

std::optional<Ip> address(Value value) {
    Ip ip{};
    if (value.size() == 4) {
        ip[10] = ip[11] = 0xff;
        std::ranges::copy(value, ip.begin() + 12);
        return ip;
    }
    if (value.size() != ip.size()) return std::nullopt;
    std::ranges::copy(value, ip.begin());
    return ip;
}

void copy_mac(Value value, Mac& into) {
    if (value.size() == into.size()) std::ranges::copy(value, into.begin());
}

Value wire_form(const Ip& ip) {
    return std::span(ip).last(is_v4(ip) ? 4 : 16);
}

std::optional<Interface> interface_of(const nlmsghdr& message) {
    const auto& link = body_of<ifinfomsg>(message);
    Interface made;
    made.index = link.ifi_index;
    bool enslaved = false;
    each_attribute<ifinfomsg>(message, [&](int type, Value value) {
        if (type == IFLA_IFNAME && !value.empty())
            made.name.assign(reinterpret_cast<const char*>(value.data()), value.size() - 1);
        if (type == IFLA_ADDRESS) copy_mac(value, made.mac);
        if (type == IFLA_MTU) made.mtu = number(value);
        if (type == IFLA_MASTER) enslaved = true;
    });
    const bool up = (link.ifi_flags & IFF_UP) != 0;
    if (!up || enslaved || link.ifi_type != ARPHRD_ETHER) return std::nullopt;
    return made;
}

Request<rtmsg> route_request(const Ip& ip, std::uint32_t sequence) {
    Request<rtmsg> request(RTM_GETROUTE, 0, sequence);
    request.body.rtm_family = is_v4(ip) ? AF_INET : AF_INET6;
    request.body.rtm_dst_len = is_v4(ip) ? 32 : 128;
    request.add(RTA_DST, wire_form(ip));
    return request;
}

}  // namespace

std::expected<std::unique_ptr<Neighbours>, std::string> Neighbours::open() {
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return std::unexpected(
            fmt::format("layer 4: cannot ask the kernel for routes: {}", std::strerror(errno)));
    }
    const timeval limit{1, 0};  // the kernel answers at once; this is for never
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return std::unique_ptr<Neighbours>(new Neighbours(fd));
}

Neighbours::~Neighbours() {
    ::close(fd_);
}

std::vector<Interface> Neighbours::interfaces() {
    std::vector<Interface> found;
    const Request<ifinfomsg> request(RTM_GETLINK, NLM_F_DUMP, ++sequence_);
    ask(fd_, request, true, [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWLINK) return;
        if (auto one = interface_of(message)) found.push_back(std::move(*one));
    });
    return found;
}

std::vector<Neighbour> Neighbours::neighbours() {
    std::vector<Neighbour> found;
    const Request<ndmsg> request(RTM_GETNEIGH, NLM_F_DUMP, ++sequence_);
    ask(fd_, request, true, [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWNEIGH) return;
        const auto& entry = body_of<ndmsg>(message);
        constexpr int usable =
            NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
        if ((entry.ndm_state & usable) == 0) return;
        Neighbour one{entry.ndm_ifindex, {}, {}};
        bool has_mac = false;
        each_attribute<ndmsg>(message, [&](int type, Value value) {
            if (type == NDA_DST) one.ip = address(value).value_or(Ip{});
            if (type != NDA_LLADDR) return;
            has_mac = value.size() == one.mac.size();
            copy_mac(value, one.mac);
        });
        if (has_mac) found.push_back(one);
    });
    return found;
}

std::uint8_t Neighbours::network_bits(const Ip& ip) {
    std::uint8_t bits = 0;
    Request<rtmsg> request = route_request(ip, ++sequence_);
    request.body.rtm_flags = RTM_F_FIB_MATCH;  // the entry of the table, not what follows from it
    ask(fd_, request, false, [&](const nlmsghdr& message) {
        if (message.nlmsg_type == RTM_NEWROUTE) bits = body_of<rtmsg>(message).rtm_dst_len;
    });
    if (bits == 0) return 0;
    return static_cast<std::uint8_t>(bits + (is_v4(ip) ? 96 : 0));
}

std::optional<Route> Neighbours::route_to(const Ip& ip) {
    const Request<rtmsg> request = route_request(ip, ++sequence_);
    std::optional<Route> found;
    ask(fd_, request, false, [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWROUTE) return;
        if (body_of<rtmsg>(message).rtm_type != RTN_UNICAST) return;
        Route route{0, ip};
        each_attribute<rtmsg>(message, [&](int type, Value value) {
            if (type == RTA_OIF) route.interface = static_cast<int>(number(value));
            if (type == RTA_GATEWAY) route.next = address(value).value_or(ip);
        });
        if (route.interface != 0) found = route;
    });
    if (found && found->next == ip) found->network_bits = network_bits(ip);
    return found;
}

void Neighbours::look_for(int interface, const Ip& ip) {
    Request<ndmsg> request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, ++sequence_);
    request.body.ndm_family = is_v4(ip) ? AF_INET : AF_INET6;
    request.body.ndm_ifindex = interface;
    request.body.ndm_state = NUD_NONE;
    request.body.ndm_flags = NTF_USE;
    request.add(NDA_DST, wire_form(ip));
    ask(fd_, request, false, [](const nlmsghdr&) {});
}

}  // namespace poise::l4
