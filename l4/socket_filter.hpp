// The program that the kernel runs over each packet to see whether it is one of ours, so that only
// those are copied.
#pragma once

#include "l4/services.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace poise::l4 {

/// One instruction of classic BPF; the layout of the kernel's sock_filter.
struct FilterStep {
    std::uint16_t code = 0;
    std::uint8_t if_true = 0;
    std::uint8_t if_false = 0;
    std::uint32_t value = 0;

    bool operator==(const FilterStep&) const = default;
};

constexpr std::size_t filter_steps_max = 4'096;  // the kernel's limit

/// SYNs (RFC 9293: they ask for a connection) of up to this many bytes have a tap of their own;
/// a longer one, as with data of TCP Fast Open, is among the others.
constexpr std::uint32_t syn_frame_max = 384;

/// Datagrams of UDP of up to this many bytes have one, too. Fragments, and those that hold several
/// (segmentation offload), are among the others.
constexpr std::uint32_t datagram_frame_max = 1'900;

enum class Tapped : std::uint8_t { syns, datagrams, others };
constexpr std::array tapped_all{Tapped::syns, Tapped::datagrams, Tapped::others};

/// Takes what was sent to this machine over one of `links`, without a VLAN tag (such a packet
/// comes again over its VLAN's own interface), and is of a service, from a server of nat, or an
/// ICMP error. With more ports than fit it asks for the addresses alone, and with more addresses
/// than fit for none: then the forwarder sees more and ignores it. Each packet is of one tap.
std::vector<FilterStep> make_filter(const Services& services, std::span<const Link> links,
                                    Tapped tap);

}  // namespace poise::l4
