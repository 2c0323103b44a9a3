// Which of the layer-4 threads gets a packet: PACKET_FANOUT asks it for each packet that comes to
// a tap of several. A client's packets, the answers to him and errors about both are one thread's.
#include "fan_out.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMP6 58

struct address {
    __u32 words[4]; /* as in a packet; IPv4 as the last one, mapped */
};

/* Gets its true size from Poise. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct address);
    __type(value, __u32);
} fan_addresses SEC(".maps");

/* What a packet says of itself, or of the one that it complains of. */
struct ends {
    struct address source;
    struct address destination;
    __u32 transport; /* offset */
    __u8 protocol;
    __u8 later; /* a fragment without ports */
};

static __always_inline void map_v4(struct address* to, __u32 from) {
    to->words[0] = to->words[1] = 0;
    to->words[2] = bpf_htonl(0xffff);
    to->words[3] = from;
}

/* 0: it is no packet of IP. */
static __always_inline int read_ends(struct __sk_buff* skb, __u32 at, struct ends* ends) {
    __u8 first = 0;
    if (bpf_skb_load_bytes(skb, at, &first, sizeof first) != 0) return 0;
    if (first >> 4 == 4) {
        struct iphdr ip;
        if (bpf_skb_load_bytes(skb, at, &ip, sizeof ip) != 0) return 0;
        map_v4(&ends->source, ip.saddr);
        map_v4(&ends->destination, ip.daddr);
        ends->protocol = ip.protocol;
        ends->later = (ip.frag_off & bpf_htons(0x1fff)) != 0;
        ends->transport = at + (first & 15) * 4;
        return 1;
    }
    struct ipv6hdr ip;
    if (first >> 4 != 6 || bpf_skb_load_bytes(skb, at, &ip, sizeof ip) != 0) return 0;
    __builtin_memcpy(&ends->source, &ip.saddr, sizeof ends->source);
    __builtin_memcpy(&ends->destination, &ip.daddr, sizeof ends->destination);
    ends->protocol = ip.nexthdr;
    ends->later = 0;
    ends->transport = at + sizeof ip;
    return 1;
}

static __always_inline __u32 kind_of(const struct address* address) {
    const __u32* kind = bpf_map_lookup_elem(&fan_addresses, address);
    return kind != 0 ? *kind : 0;
}

static __always_inline int is_error(struct __sk_buff* skb, const struct ends* ends) {
    __u8 type = 0;
    if (ends->later || (ends->protocol != PROTOCOL_ICMP && ends->protocol != PROTOCOL_ICMP6))
        return 0;
    if (bpf_skb_load_bytes(skb, ends->transport, &type, sizeof type) != 0) return 0;
    if (ends->protocol == PROTOCOL_ICMP6) return type < 128;
    return type == 3 || type == 4 || type == 11 || type == 12;
}

/* The port of `end`'s address that stands for a client, when `server` is the other end; else 0. */
static __always_inline __u32 alias_of(struct __sk_buff* skb, const struct ends* ends, __u32 at,
                                      const struct address* server) {
    __u16 port = 0;
    if (ends->later || (ends->protocol != PROTOCOL_TCP && ends->protocol != PROTOCOL_UDP)) return 0;
    if (bpf_skb_load_bytes(skb, ends->transport + at, &port, sizeof port) != 0) return 0;
    port = bpf_ntohs(port);
    if (port < POISE_ALIAS_PORT_FIRST) return 0;
    return (kind_of(server) & POISE_FAN_SERVER) != 0 ? port : 0;
}

SEC("socket")
int poise_fan_out(struct __sk_buff* skb) {
    struct ends ends;
    if (!read_ends(skb, 0, &ends)) return 0;
    __u32 alias = 0;
    /* An error is about a packet that went from here: to a server, or to a client. */
    if (is_error(skb, &ends)) {
        struct ends about;
        if (!read_ends(skb, ends.transport + 8, &about)) return 0;
        if ((kind_of(&about.source) & POISE_FAN_VIP) == 0)
            return poise_fan_of_client(about.source.words);
        alias = alias_of(skb, &about, 0, &about.destination);
        return alias != 0 ? poise_fan_of_alias(alias)
                          : poise_fan_of_client(about.destination.words);
    }
    if ((kind_of(&ends.destination) & POISE_FAN_VIP) == 0)
        return poise_fan_of_client(ends.destination.words);
    alias = alias_of(skb, &ends, 2, &ends.source);
    return alias != 0 ? poise_fan_of_alias(alias) : poise_fan_of_client(ends.source.words);
}
