#include "l4/socket_filter.hpp"

#include "l4/checksum.hpp"

#include <algorithm>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <utility>

namespace poise::l4 {

namespace {

static_assert(sizeof(FilterStep) == sizeof(sock_filter));

constexpr std::uint32_t all_bytes = 0x40000;

// How closely the program looks.
enum class Detail : std::uint8_t { ports, addresses, nothing };

// Where things stand in a frame without a VLAN tag.
struct Layout {
    std::uint32_t protocol;
    std::uint32_t source;
    std::uint32_t destination;
    std::uint32_t address_words;
    std::uint8_t icmp;
};
constexpr Layout layout4{14 + 9, 14 + 12, 14 + 16, 1, protocol_icmp};
constexpr Layout layout6{14 + 6, 14 + 8, 14 + 24, 4, protocol_icmp6};

class Program {
public:
    void load(std::uint16_t width, std::uint32_t at) {
        add(static_cast<std::uint16_t>(BPF_LD | BPF_ABS | width), at);
    }
    void add(std::uint16_t code, std::uint32_t value) { steps_.push_back({code, 0, 0, value}); }
    void take() { add(BPF_RET | BPF_K, all_bytes); }
    void leave() { add(BPF_RET | BPF_K, 0); }

    /// Goes to the end of the block, marked by close(), unless the comparison holds.
    void demand(std::uint16_t comparison, std::uint32_t value) {
        open_.push_back(steps_.size());
        add(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value);
    }
    /// The same when it holds.
    void refuse(std::uint16_t comparison, std::uint32_t value) {
        demand(comparison, value);
        refusing_.push_back(open_.back());
    }
    void take_if(std::uint16_t comparison, std::uint32_t value) {
        steps_.push_back({static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), 0, 1, value});
        take();
    }
    void close() {
        for (const std::size_t from : std::exchange(open_, {})) {
            const auto far = static_cast<std::uint8_t>(steps_.size() - from - 1);
            const bool refusing = std::ranges::find(refusing_, from) != refusing_.end();
            (refusing ? steps_[from].if_true : steps_[from].if_false) = far;
        }
        refusing_.clear();
    }
    void append(const FilterStep& step) { steps_.push_back(step); }
    std::vector<FilterStep> steps() && { return std::move(steps_); }

private:
    std::vector<FilterStep> steps_;
    std::vector<std::size_t> open_;
    std::vector<std::size_t> refusing_;
};

void demand_address(Program& program, const Layout& layout, std::uint32_t at, const Ip& ip) {
    const std::uint8_t* bytes = ip.data() + ip.size() - 4UL * layout.address_words;
    for (std::uint32_t word = 0; word < layout.address_words; ++word) {
        program.load(BPF_W, at + word * 4);
        program.demand(BPF_JEQ, load_be32(bytes + word * 4UL));
    }
}

// One block: takes packets of `range`, whose port is the source's or the destination's.
void add_range(Program& program, const PortRange& range, bool to_us, Detail detail) {
    const bool v4 = is_v4(range.ip);
    const Layout& layout = v4 ? layout4 : layout6;
    demand_address(program, layout, to_us ? layout.destination : layout.source, range.ip);
    if (detail == Detail::addresses) {
        program.take();
        return program.close();
    }
    program.load(BPF_B, layout.protocol);
    if (v4) {
        program.demand(BPF_JEQ, range.protocol);
        program.load(BPF_H, 14 + 6);
        program.take_if(BPF_JSET, 0x1fff);  // a later fragment has no ports
        program.add(BPF_LDX | BPF_B | BPF_MSH, 14);
        program.add(BPF_LD | BPF_H | BPF_IND, to_us ? 14 + 2 : 14);
    } else {
        for (const std::uint32_t extension : {0U, 43U, 44U, 60U})
            program.take_if(BPF_JEQ, extension);
        program.demand(BPF_JEQ, range.protocol);
        program.load(BPF_H, to_us ? 14 + 40 + 2 : 14 + 40);
    }
    program.demand(BPF_JGE, range.first);
    program.refuse(BPF_JGT, range.last);
    program.take();
    program.close();
}

void add_icmp(Program& program, bool v4) {
    program.load(BPF_B, (v4 ? layout4 : layout6).protocol);
    program.demand(BPF_JEQ, v4 ? protocol_icmp : protocol_icmp6);
    if (v4) {
        program.add(BPF_LDX | BPF_B | BPF_MSH, 14);
        program.add(BPF_LD | BPF_B | BPF_IND, 14);
        for (const std::uint32_t error : {3U, 4U, 11U, 12U})
            program.take_if(BPF_JEQ, error);
    } else {
        program.load(BPF_B, 14 + 40);
        program.refuse(BPF_JGE, 128);
        program.take();
    }
    program.close();
}

// Each comparison that holds jumps behind the refusal.
void add_links(Program& program, std::span<const Link> links) {
    constexpr std::size_t links_max = 200;  // as far as a jump goes
    std::vector<std::uint32_t> indices;
    for (const Link& link : links)
        if (link.index != 0) indices.push_back(static_cast<std::uint32_t>(link.index));
    if (indices.size() > links_max) return;
    program.load(BPF_W, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX));
    for (const std::uint32_t index : indices)
        program.refuse(BPF_JEQ, index);
    program.leave();
    program.close();
}

// Goes to the end of the block unless the packet is of `kind`.
void demand_kind(Program& program, bool v4, Tapped kind) {
    const Layout& layout = v4 ? layout4 : layout6;
    const bool syn = kind == Tapped::syns;
    program.load(BPF_B, layout.protocol);
    program.demand(BPF_JEQ, syn ? protocol_tcp : protocol_udp);
    program.add(BPF_LD | BPF_W | BPF_LEN, 0);
    program.refuse(BPF_JGT, syn ? syn_frame_max : datagram_frame_max);
    if (v4) {
        program.load(BPF_H, 14 + 6);
        program.refuse(BPF_JSET, 0x3fff);  // a fragment
    }
    if (!syn) return;
    constexpr std::uint32_t flags_at = 13;
    if (v4) {
        program.add(BPF_LDX | BPF_B | BPF_MSH, 14);
        program.add(BPF_LD | BPF_B | BPF_IND, 14 + flags_at);
    } else {
        program.load(BPF_B, 14 + 40 + flags_at);
    }
    program.add(BPF_ALU | BPF_AND | BPF_K, tcp_syn | tcp_ack);
    program.demand(BPF_JEQ, tcp_syn);
}

// What is of another tap goes no further.
void add_tap(Program& program, bool v4, Tapped tap) {
    if (tap != Tapped::others) {
        demand_kind(program, v4, tap);
        program.add(BPF_JMP | BPF_JA, 1);
        program.close();
        program.leave();
        return;
    }
    for (const Tapped kind : {Tapped::syns, Tapped::datagrams}) {
        demand_kind(program, v4, kind);
        program.leave();
        program.close();
    }
}

std::vector<FilterStep> make(const Services& services, std::span<const Link> links, Tapped tap,
                             Detail detail) {
    Program program;
    for (const auto& [at, wanted] :
         {std::pair{SKF_AD_PKTTYPE, PACKET_HOST}, std::pair{SKF_AD_VLAN_TAG_PRESENT, 0}}) {
        program.load(BPF_W, static_cast<std::uint32_t>(SKF_AD_OFF + at));
        program.refuse(BPF_JEQ, static_cast<std::uint32_t>(wanted));
        program.leave();
        program.close();
    }
    add_links(program, links);
    for (const bool v4 : {true, false}) {
        Program part;
        add_tap(part, v4, tap);
        if (detail == Detail::nothing) {
            part.take();
        } else {
            for (const PortRange& range : services.by_destination.ranges())
                if (is_v4(range.ip) == v4) add_range(part, range, true, detail);
            for (const PortRange& range : services.by_server.ranges())
                if (is_v4(range.ip) == v4) add_range(part, range, false, detail);
            add_icmp(part, v4);
            part.leave();
        }
        std::vector<FilterStep> steps = std::move(part).steps();
        // A long way: the jump that reaches it is unconditional.
        program.load(BPF_H, 12);
        program.refuse(BPF_JEQ, v4 ? ETH_P_IP : ETH_P_IPV6);
        program.add(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(steps.size()));
        program.close();
        for (const FilterStep& step : steps)
            program.append(step);
    }
    program.leave();
    return std::move(program).steps();
}

}  // namespace

std::vector<FilterStep> make_filter(const Services& services, std::span<const Link> links,
                                    Tapped tap) {
    for (const Detail detail : {Detail::ports, Detail::addresses}) {
        auto steps = make(services, links, tap, detail);
        if (steps.size() <= filter_steps_max) return steps;
    }
    return make(services, links, tap, Detail::nothing);
}

}  // namespace poise::l4
