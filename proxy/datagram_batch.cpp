#include "proxy/datagram_batch.hpp"

#include <cassert>
#include <cerrno>
#include <cstring>

namespace poise::proxy {

namespace {

// IPv4 as ::ffff:a.b.c.d, as in Address.
std::array<std::uint8_t, 16> mapped(const in_addr& v4) {
    std::array<std::uint8_t, 16> ip{};
    ip[10] = ip[11] = 0xff;
    std::memcpy(ip.data() + 12, &v4, 4);
    return ip;
}

in_addr unmapped(const std::array<std::uint8_t, 16>& ip) {
    in_addr v4{};
    std::memcpy(&v4, ip.data() + 12, 4);
    return v4;
}

// The address of ours that the datagram was sent to; zero when the kernel does not say.
std::array<std::uint8_t, 16> destination(const msghdr& header) {
    std::array<std::uint8_t, 16> ip{};
    for (const cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr;
         one = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(one))) {
        if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info;
            std::memcpy(&info, CMSG_DATA(one), sizeof info);
            std::memcpy(ip.data(), &info.ipi6_addr, ip.size());
        } else if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            in_pktinfo info;
            std::memcpy(&info, CMSG_DATA(one), sizeof info);
            ip = mapped(info.ipi_spec_dst);  // of ours also when the datagram was a broadcast
        }
    }
    return ip;
}

template <typename Info>
void set_control(msghdr& header, int level, int type, const Info& info) {
    header.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
}

BatchResult receive(int fd, mmsghdr* headers, unsigned count) {
    const int n = ::recvmmsg(fd, headers, count, MSG_DONTWAIT, nullptr);
    if (n >= 0) return {static_cast<unsigned>(n), 0};
    return {0, errno};
}

BatchResult send(int fd, mmsghdr* headers, unsigned count) {
    unsigned sent = 0;
    while (sent < count) {
        const int n = ::sendmmsg(fd, headers + sent, count - sent, MSG_DONTWAIT);
        if (n < 0) return {sent, errno};
        sent += static_cast<unsigned>(n);
    }
    return {sent, 0};
}

}  // namespace

DatagramBatch::DatagramBatch()
    : memory_(std::make_unique_for_overwrite<std::byte[]>(capacity * stride)) {
    for (unsigned slot = 0; slot < capacity; ++slot) {
        pieces_[slot].iov_base = memory_.get() + slot * stride;
        headers_[slot].msg_hdr.msg_iov = &pieces_[slot];
        headers_[slot].msg_hdr.msg_iovlen = 1;
    }
}

// Without names and control messages, as connected sockets have it.
void DatagramBatch::prepare_plain(unsigned first, unsigned count, bool for_receiving) {
    for (unsigned slot = first; slot < first + count; ++slot) {
        msghdr& header = headers_[slot].msg_hdr;
        header.msg_name = nullptr;
        header.msg_namelen = 0;
        header.msg_control = nullptr;
        header.msg_controllen = 0;
        pieces_[slot].iov_len = for_receiving ? bytes_max : headers_[slot].msg_len;
    }
}

BatchResult DatagramBatch::receive_from_clients(const UdpDoor& door, unsigned most) {
    assert(most <= capacity);
    for (unsigned slot = 0; slot < most; ++slot) {
        msghdr& header = headers_[slot].msg_hdr;
        header.msg_name = &envelopes_[slot].name;
        header.msg_namelen = sizeof envelopes_[slot].name;
        header.msg_control = door.wildcard ? envelopes_[slot].control.data() : nullptr;
        header.msg_controllen = door.wildcard ? envelopes_[slot].control.size() : 0;
        pieces_[slot].iov_len = bytes_max;
    }
    return receive(door.fd, headers_.data(), most);
}

UdpKey DatagramBatch::sender(unsigned slot, const UdpDoor& door) const {
    UdpKey key;
    const auto& name = envelopes_[slot].name;
    if (door.v6) {
        std::memcpy(key.client.ip.data(), &name.v6.sin6_addr, 16);
        key.client.port = ntohs(name.v6.sin6_port);
        key.scope = name.v6.sin6_scope_id;
    } else {
        key.client.ip = mapped(name.v4.sin_addr);
        key.client.port = ntohs(name.v4.sin_port);
    }
    if (door.wildcard) key.dialled = destination(headers_[slot].msg_hdr);
    return key;
}

BatchResult DatagramBatch::send_to_server(int fd, unsigned first, unsigned count) {
    assert(first + count <= capacity);
    if (count == 1) {
        const ssize_t n =
            ::send(fd, pieces_[first].iov_base, headers_[first].msg_len, MSG_DONTWAIT);
        return n >= 0 ? BatchResult{1, 0} : BatchResult{0, errno};
    }
    prepare_plain(first, count, false);
    return send(fd, headers_.data() + first, count);
}

BatchResult DatagramBatch::receive_from_server(int fd, unsigned most) {
    assert(most <= room());
    prepare_plain(used_, most, true);
    return receive(fd, headers_.data() + used_, most);
}

void DatagramBatch::add_replies(unsigned count, const UdpKey& key, const UdpDoor& door) {
    assert(count <= room());
    for (unsigned slot = used_; slot < used_ + count; ++slot)
        address_to(slot, key, door);
    used_ += count;
}

void DatagramBatch::address_to(unsigned slot, const UdpKey& key, const UdpDoor& door) {
    msghdr& header = headers_[slot].msg_hdr;
    Envelope& envelope = envelopes_[slot];
    header.msg_name = &envelope.name;
    if (door.v6) {
        envelope.name.v6 = {};
        envelope.name.v6.sin6_family = AF_INET6;
        envelope.name.v6.sin6_port = htons(key.client.port);
        std::memcpy(&envelope.name.v6.sin6_addr, key.client.ip.data(), 16);
        envelope.name.v6.sin6_scope_id = key.scope;
        header.msg_namelen = sizeof envelope.name.v6;
    } else {
        envelope.name.v4 = {};
        envelope.name.v4.sin_family = AF_INET;
        envelope.name.v4.sin_port = htons(key.client.port);
        envelope.name.v4.sin_addr = unmapped(key.client.ip);
        header.msg_namelen = sizeof envelope.name.v4;
    }
    pieces_[slot].iov_len = headers_[slot].msg_len;
    if (!door.wildcard) return;
    header.msg_control = envelope.control.data();
    if (door.v6) {
        in6_pktinfo from{};
        std::memcpy(&from.ipi6_addr, key.dialled.data(), 16);
        from.ipi6_ifindex = key.scope;
        set_control(header, IPPROTO_IPV6, IPV6_PKTINFO, from);
    } else {
        in_pktinfo from{};
        from.ipi_spec_dst = unmapped(key.dialled);
        set_control(header, IPPROTO_IP, IP_PKTINFO, from);
    }
}

BatchResult DatagramBatch::send_to_clients(const UdpDoor& door, unsigned first) {
    assert(first <= used_);
    return send(door.fd, headers_.data() + first, used_ - first);
}

}  // namespace poise::proxy
