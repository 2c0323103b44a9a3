// Datagrams of many flows as raw packets, as fast as they go: a client that costs little, so that
// what lies behind it is what is measured. Prints how many it has sent.
//
//   packets INTERFACE GATEWAY_MAC SOURCE DESTINATION PORT FLOWS SECONDS
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <span>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned flows_max = 60'000;  // a port each
constexpr unsigned first_port = 2'000;
constexpr unsigned seconds_max = 60;
constexpr std::size_t batch = 64;
constexpr std::size_t frame_bytes = 60;

struct Frame {
    std::array<std::uint8_t, frame_bytes> bytes{};
};

int fail(const char* what) {
    std::perror(what);
    return 1;
}

unsigned number_of(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    return whole && value <= most ? value : 0;
}

std::uint16_t sum_of(const void* data, std::size_t bytes) {
    std::uint32_t sum = 0;
    const auto* at = static_cast<const std::uint8_t*>(data);
    for (std::size_t i = 0; i < bytes; i += 2)
        sum += static_cast<std::uint32_t>(at[i] << 8 | at[i + 1]);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons(static_cast<std::uint16_t>(~sum));
}

// UDP without a checksum, which IPv4 allows (RFC 768).
Frame make_frame(const ether_header& link, in_addr from, in_addr to, std::uint16_t port,
                 std::uint16_t flow) {
    Frame frame;
    ip head{};
    head.ip_v = 4;
    head.ip_hl = 5;
    head.ip_len = htons(frame_bytes - ETH_HLEN);
    head.ip_ttl = 64;
    head.ip_p = IPPROTO_UDP;
    head.ip_src = from;
    head.ip_dst = to;
    head.ip_sum = sum_of(&head, sizeof head);
    udphdr udp{};
    udp.uh_sport = htons(static_cast<std::uint16_t>(first_port + flow));
    udp.uh_dport = htons(port);
    udp.uh_ulen = htons(frame_bytes - ETH_HLEN - sizeof head);
    std::memcpy(frame.bytes.data(), &link, sizeof link);
    std::memcpy(frame.bytes.data() + ETH_HLEN, &head, sizeof head);
    std::memcpy(frame.bytes.data() + ETH_HLEN + sizeof head, &udp, sizeof udp);
    return frame;
}

// Returns how many the kernel took.
std::uint64_t send_for(int fd, std::vector<Frame>& frames, unsigned seconds) {
    std::array<mmsghdr, batch> messages{};
    std::array<iovec, batch> parts{};
    for (std::size_t i = 0; i < batch; ++i) {
        parts[i].iov_len = frame_bytes;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    const auto end = Clock::now() + std::chrono::seconds(seconds);
    std::uint64_t sent = 0;
    for (std::size_t next = 0; Clock::now() < end;) {
        for (iovec& part : parts) {
            part.iov_base = frames[next].bytes.data();
            next = next + 1 == frames.size() ? 0 : next + 1;
        }
        const int taken = ::sendmmsg(fd, messages.data(), batch, 0);
        if (taken > 0) sent += static_cast<unsigned>(taken);
    }
    return sent;
}

}  // namespace

int main(int count, char** arguments) {
    const std::span given(arguments, static_cast<std::size_t>(count));
    if (given.size() != 8) {
        std::fputs(
            "packets INTERFACE GATEWAY_MAC SOURCE DESTINATION PORT FLOWS SECONDS\n"
            "  as in  packets eth0 02:00:00:00:00:01 10.77.0.11 10.77.0.100 53 50000 3\n",
            stderr);
        return 2;
    }
    const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0) return fail("a packet socket, which only root has");
    ifreq asked{};
    std::strncpy(asked.ifr_name, given[1], IFNAMSIZ - 1);
    if (::ioctl(fd, SIOCGIFHWADDR, &asked) != 0) return fail(given[1]);
    const ether_addr* const gateway = ::ether_aton(given[2]);
    in_addr from{};
    in_addr to{};
    const unsigned port = number_of(given[5], 65'535);
    const unsigned flows = number_of(given[6], flows_max);
    const unsigned seconds = number_of(given[7], seconds_max);
    if (gateway == nullptr || ::inet_aton(given[3], &from) == 0 ||
        ::inet_aton(given[4], &to) == 0 || port == 0 || flows == 0 || seconds == 0) {
        std::fprintf(stderr, "an address or a number cannot be: at most %u flows and %u seconds\n",
                     flows_max, seconds_max);
        return 2;
    }
    ether_header link{};
    std::memcpy(link.ether_dhost, gateway, ETH_ALEN);
    std::memcpy(link.ether_shost, asked.ifr_hwaddr.sa_data, ETH_ALEN);
    link.ether_type = htons(ETH_P_IP);
    std::vector<Frame> frames;
    for (unsigned flow = 0; flow < flows; ++flow)
        frames.push_back(make_frame(link, from, to, static_cast<std::uint16_t>(port),
                                    static_cast<std::uint16_t>(flow)));

    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_ifindex = static_cast<int>(::if_nametoindex(given[1]));
    const int bypass = 1;
    ::setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) return fail("bind");
    const std::uint64_t sent = send_for(fd, frames, seconds);
    ::close(fd);
    std::printf("RESULT {\"sent\":%llu}\n", static_cast<unsigned long long>(sent));
}
