// The table of `layer4`: what modes dr and nat know beyond a service's other settings.
#include "config/bind.hpp"
#include "config/schema_parts.hpp"

namespace poise::config {

using namespace std::chrono_literals;
using bind::boolean;
using bind::duration;
using bind::DurationRange;

Mapping layer4_mapping() {
    using T = Layer4;
    constexpr DurationRange life{1s, 24h * 30};
    return {"layer4",
            "How modes `nat` and `dr` treat flows: TCP connections and UDP conversations, which "
            "pass packet by packet. They do not look at `timeouts`.",
            {duration("established", &T::established, life,
                      "A TCP connection without packets is forgotten."),
             duration("closing", &T::closing, life, "The same after a FIN or RST."),
             duration("opening", &T::opening, life, "The same before its handshake has ended."),
             duration("datagram", &T::datagram, life, "A UDP flow without packets is forgotten."),
             boolean("one_packet", &T::one_packet,
                     "`udp`: each datagram is scheduled alone, as DNS wants it."),
             boolean("rtp_pairs", &T::rtp_pairs,
                     "`udp`, with a range of ports: what a client sends to an even port and to "
                     "the odd one after it reaches the same server, as RTP and RTCP need it."),
             boolean("masquerade", &T::masquerade,
                     "`nat`: what the servers begin themselves leaves with the service's first "
                     "address as its sender, so that servers without a way of their own reach "
                     "names, updates and databases. The kernel does it, so "
                     "`net.ipv4.ip_forward=1` is needed, or `net.ipv6.conf.all.forwarding=1`."),
             boolean("reset_clients", &T::reset_clients,
                     "`tcp`: the clients of a server that went down or was halted get a RST, so "
                     "that they need not wait for a time-out."),
             boolean("adopt", &T::adopt,
                     "A packet in mid-stream of no known connection begins a flow, with a server "
                     "chosen by a hash of the client: what goes on after a takeover.")},
            ""};
}

}  // namespace poise::config
