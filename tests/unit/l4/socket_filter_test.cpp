// Which packets the kernel is told to show, by a reading of the program as the kernel does it.
#include "l4/socket_filter.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

#include <linux/filter.h>
#include <optional>
#include <string>

namespace poise::l4 {

using namespace test;

namespace {

constexpr int interface_index = 3;

// The kernel's machine for classic BPF, as far as our programs use it. A load from behind the
// packet's end gives nothing, which refuses the packet.
class Machine {
public:
    Machine(const std::vector<FilterStep>& steps, const Bytes& frame)
        : steps_(steps), frame_(frame) {}

    bool takes() {
        for (std::size_t at = 0; at < steps_.size(); ++at) {
            const FilterStep& step = steps_[at];
            if (step.code == (BPF_RET | BPF_K)) return step.value != 0;
            if (step.code == (BPF_JMP | BPF_JA))
                at += step.value;
            else if (BPF_CLASS(step.code) == BPF_JMP)
                at += holds(step) ? step.if_true : step.if_false;
            else if (!loads(step))
                return false;
        }
        FAIL("the program ran past its end");
        return false;
    }

private:
    bool holds(const FilterStep& step) const {
        switch (BPF_OP(step.code)) {
            case BPF_JEQ:
                return a_ == step.value;
            case BPF_JGE:
                return a_ >= step.value;
            case BPF_JGT:
                return a_ > step.value;
            case BPF_JSET:
                return (a_ & step.value) != 0;
            default:
                FAIL("an unknown comparison");
                return false;
        }
    }
    bool loads(const FilterStep& step) {
        if (step.code == (BPF_ALU | BPF_AND | BPF_K)) {
            a_ &= step.value;
            return true;
        }
        if (step.code == (BPF_LD | BPF_W | BPF_LEN)) {
            a_ = static_cast<std::uint32_t>(frame_.size());
            return true;
        }
        if (step.code == (BPF_LDX | BPF_B | BPF_MSH)) {
            const auto byte = bytes(step.value, 1);
            if (byte) x_ = *byte % 16 * 4;
            return byte.has_value();
        }
        REQUIRE(BPF_CLASS(step.code) == BPF_LD);
        if (const auto beside = beside_packet(step.value)) {
            a_ = *beside;
            return true;
        }
        const bool moved = BPF_MODE(step.code) == BPF_IND;
        const std::uint32_t width = BPF_SIZE(step.code) == BPF_B   ? 1
                                    : BPF_SIZE(step.code) == BPF_H ? 2
                                                                   : 4;
        const auto value = bytes(step.value + (moved ? x_ : 0), width);
        if (value) a_ = *value;
        return value.has_value();
    }
    static std::optional<std::uint32_t> beside_packet(std::uint32_t at) {
        if (at == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX)) return interface_index;
        if (at == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)) return 0;
        if (at == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)) return 0;
        return std::nullopt;
    }
    std::optional<std::uint32_t> bytes(std::uint32_t at, std::uint32_t width) const {
        if (at + width > frame_.size()) return std::nullopt;
        std::uint32_t value = 0;
        for (std::uint32_t i = 0; i < width; ++i)
            value = value << 8 | frame_[at + i];
        return value;
    }

    const std::vector<FilterStep>& steps_;
    const Bytes& frame_;
    std::uint32_t a_ = 0;
    std::uint32_t x_ = 0;
};

// Services on TCP ports 80 to 90 and UDP port 53 of 10.0.0.100 and of 2001:db8::100, a server on
// port 8080 of each.
Services make_services(std::size_t more_addresses = 0) {
    std::vector<PortRange> by_destination;
    std::vector<PortRange> by_server;
    for (const char* const vip : {"10.0.0.100", "2001:db8::100"}) {
        by_destination.push_back({ip(vip), protocol_tcp, 80, 90, 0, 0});
        by_destination.push_back({ip(vip), protocol_udp, 53, 53, 0, 0});
    }
    for (const char* const server : {"10.1.0.1", "fd00::1"})
        by_server.push_back({ip(server), protocol_tcp, 8'080, 8'080, 0, 0});
    for (std::size_t i = 0; i < more_addresses; ++i) {
        Ip one = ip("10.2.0.0");
        one[14] = static_cast<std::uint8_t>(i >> 8);
        one[15] = static_cast<std::uint8_t>(i);
        by_destination.push_back({one, protocol_tcp, 80, 80, 0, 0});
    }
    Services services;
    services.by_destination = PortTable(by_destination);
    services.by_server = PortTable(by_server);
    return services;
}

std::string taps_of(const Made& made, const Services& services) {
    const Bytes frame = make_packet(made);
    const std::vector<Link> links{{interface_index, our_mac, 1'500, {}}};
    std::string taps;
    for (const auto& [tap, letter] :
         {std::pair{Tapped::syns, 's'}, std::pair{Tapped::datagrams, 'd'},
          std::pair{Tapped::others, 'o'}}) {
        const auto steps = make_filter(services, links, tap);
        REQUIRE(steps.size() <= filter_steps_max);
        if (Machine(steps, frame).takes()) taps += letter;
    }
    return taps;
}

struct Row {
    const char* what;
    Made made;
    const char* taps;  // s: that of the SYNs, d: of datagrams, o: of the others
};

const Row rows[] = {
    {"a SYN", {}, "s"},
    {"a SYN behind IPv4 options", {.options = 3}, "s"},
    {"a SYN over IPv6", {.from = "2001:db8:9::1", .to = "2001:db8::100"}, "s"},
    {"with ECN", {.flags = tcp_syn | 0xc0}, "s"},
    {"with data, as of TCP Fast Open", {.payload = 1'000}, "o"},
    {"the answer to one",
     {.from = "10.1.0.1", .to = "192.0.2.1", .from_port = 8'080, .flags = tcp_syn | tcp_ack},
     "o"},
    {"an ACK", {.flags = tcp_ack}, "o"},
    {"a RST", {.flags = tcp_rst}, "o"},
    {"an ACK over IPv6", {.from = "2001:db8:9::1", .to = "2001:db8::100", .flags = tcp_ack}, "o"},
    {"a fragment that looks like one", {.fragment = 0x2000}, "o"},
    {"a later fragment", {.fragment = 0x0010}, "o"},
    {"a SYN to a port of nobody", {.to_port = 91}, ""},
    {"an ACK to a port of nobody", {.to_port = 79, .flags = tcp_ack}, ""},
    {"a SYN to an address of nobody", {.to = "10.0.0.101"}, ""},
    {"a datagram", {.to_port = 53, .protocol = protocol_udp}, "d"},
    {"a datagram over IPv6",
     {.from = "2001:db8:9::1",
      .to = "2001:db8::100",
      .to_port = 53,
      .protocol = protocol_udp,
      .payload = 1'400},
     "d"},
    {"several in one", {.to_port = 53, .protocol = protocol_udp, .payload = 9'000}, "o"},
    {"a datagram's first fragment",
     {.to_port = 53, .protocol = protocol_udp, .fragment = 0x2000},
     "o"},
    {"a datagram to the port of a TCP service", {.protocol = protocol_udp}, ""},
    {"unreachable", {.protocol = protocol_icmp, .icmp_type = 3}, "o"},
    {"an echo request", {.protocol = protocol_icmp, .icmp_type = 8}, ""},
    {"a VLAN's", {.vlan_tags = 1}, ""},
};

}  // namespace

TEST_CASE("a packet of ours is of one tap, and those of nobody are of none") {
    const Services services = make_services();
    for (const Row& row : rows) {
        CAPTURE(row.what);
        CHECK(taps_of(row.made, services) == row.taps);
    }
}

TEST_CASE("with more addresses than fit, less is looked at, and each packet is of one tap still") {
    for (const std::size_t addresses : {500U, 3'000U}) {
        const Services services = make_services(addresses);
        for (const Row& row : rows) {
            CAPTURE(row.what);
            if (*row.taps != '\0') CHECK(taps_of(row.made, services) == row.taps);
            CHECK(taps_of(row.made, services).size() <= 1);
        }
    }
}

}  // namespace poise::l4
