// The fast path: packets of flows that Poise has decided on are changed and sent on in the kernel,
// at tcx ingress, before our tap sees them. Whatever is not plain (fragments, options, the begin
// and the end of a connection, what is too big or has no hops left) goes on to the tap.
#include "fast_way.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define TO_THE_TAP (-1) /* TCX_NEXT */
#define DROPPED 2       /* TCX_DROP */

/* All that is read of a packet. */
#define HEAD_BYTES (ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct tcphdr))

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

/* Both tables get their true sizes from Poise. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct poise_fast_key);
    __type(value, __u32);
} fast_index SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct poise_fast_way);
} fast_ways SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct poise_fast_state);
} fast_state SEC(".maps");

/* A packet that may have a way of its own. */
struct packet {
    struct poise_fast_key key;
    __u32 transport;       /* offset from the frame's begin */
    __u32 transport_bytes; /* of its header */
    __u32 ip_bytes;
    __u32 acknowledged;
    __u8 hops;
};

static __always_inline int read_transport(const void* at, const void* end, struct packet* packet) {
    if (packet->key.protocol == PROTOCOL_TCP) {
        const struct tcphdr* tcp = at;
        if ((const void*)(tcp + 1) > end || tcp->syn || tcp->fin || tcp->rst || tcp->doff < 5)
            return 0;
        packet->transport_bytes = tcp->doff * 4;
        packet->acknowledged = bpf_ntohl(tcp->ack_seq);
        packet->key.source_port = tcp->source;
        packet->key.destination_port = tcp->dest;
    } else if (packet->key.protocol == PROTOCOL_UDP) {
        const struct udphdr* udp = at;
        if ((const void*)(udp + 1) > end) return 0;
        packet->transport_bytes = sizeof *udp;
        packet->key.source_port = udp->source;
        packet->key.destination_port = udp->dest;
    } else {
        return 0;
    }
    return packet->transport - ETH_HLEN + packet->transport_bytes <= packet->ip_bytes;
}

static __always_inline int read_v4(const void* data, const void* end, struct packet* packet) {
    const struct iphdr* ip = data + ETH_HLEN;
    if ((const void*)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
        (ip->frag_off & bpf_htons(0x3fff)) != 0)
        return 0;
    packet->key.source[10] = packet->key.source[11] = 0xff;
    packet->key.destination[10] = packet->key.destination[11] = 0xff;
    __builtin_memcpy(packet->key.source + 12, &ip->saddr, 4);
    __builtin_memcpy(packet->key.destination + 12, &ip->daddr, 4);
    packet->key.protocol = ip->protocol;
    packet->hops = ip->ttl;
    packet->ip_bytes = bpf_ntohs(ip->tot_len);
    packet->transport = ETH_HLEN + sizeof *ip;
    return read_transport(ip + 1, end, packet);
}

static __always_inline int read_v6(const void* data, const void* end, struct packet* packet) {
    const struct ipv6hdr* ip = data + ETH_HLEN;
    if ((const void*)(ip + 1) > end || ip->version != 6) return 0;
    __builtin_memcpy(packet->key.source, &ip->saddr, 16);
    __builtin_memcpy(packet->key.destination, &ip->daddr, 16);
    packet->key.protocol = ip->nexthdr;
    packet->hops = ip->hop_limit;
    packet->ip_bytes = sizeof *ip + bpf_ntohs(ip->payload_len);
    packet->transport = ETH_HLEN + sizeof *ip;
    return read_transport(ip + 1, end, packet);
}

/* A super-packet is cut by whoever sends it on, so that its pieces count. */
static __always_inline int fits(const struct __sk_buff* skb, const struct packet* packet,
                                __u32 mtu) {
    if (skb->gso_size == 0) return packet->ip_bytes <= mtu;
    return packet->transport - ETH_HLEN + packet->transport_bytes + skb->gso_size <= mtu;
}

static __always_inline int same_mac(const __u8* a, const __u8* b) {
    return *(const __u32*)a == *(const __u32*)b && *(const __u16*)(a + 4) == *(const __u16*)(b + 4);
}

/* The transport's checksum: only the helper knows whether the field holds all of a sum or a part.
 */
static __always_inline int correct(struct __sk_buff* skb, const struct packet* packet,
                                   const struct poise_fast_way* way) {
    const int udp = packet->key.protocol == PROTOCOL_UDP;
    const __u32 at = packet->transport + (udp ? __builtin_offsetof(struct udphdr, check)
                                              : __builtin_offsetof(struct tcphdr, check));
    const __u32 udp_flag = udp ? BPF_F_MARK_MANGLED_0 : 0;
    const __u16 before = (way->flags & POISE_FAST_TO_SERVER) != 0 ? packet->key.destination_port
                                                                  : packet->key.source_port;
    if (bpf_l4_csum_replace(skb, at, 0, way->address_delta, BPF_F_PSEUDO_HDR | udp_flag) != 0)
        return 0;
    if (before == way->port) return 1;
    return bpf_l4_csum_replace(skb, at, before, way->port, udp_flag | sizeof way->port) == 0;
}

static __always_inline void copy_words(void* to, const void* from, int count) {
    for (int i = 0; i < count; ++i)
        ((__u32*)to)[i] = ((const __u32*)from)[i];
}

static __always_inline __u16 folded(__u32 sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

static __always_inline void set_v4(struct iphdr* ip, const struct poise_fast_way* way) {
    /* RFC 1624; a hop less is 0x0100 less in the word that it stands in. */
    __u32 sum = (__u16)~ip->check;
    sum += folded(way->address_delta);
    sum += (__u16)~bpf_htons(0x0100);
    ip->ttl--;
    ip->check = ~folded(sum);
    copy_words((way->flags & POISE_FAST_TO_SERVER) != 0 ? &ip->daddr : &ip->saddr,
               way->address + 12, 1);
}

static __always_inline void set_v6(struct ipv6hdr* ip, const struct poise_fast_way* way) {
    ip->hop_limit--;
    copy_words((way->flags & POISE_FAST_TO_SERVER) != 0 ? (void*)&ip->daddr : (void*)&ip->saddr,
               way->address, 4);
}

/* A sum that the network card has made over all of an IPv6 packet: an address that changes and the
 * checksum that makes up for it leave it as it was, which the helper above does not know (it is
 * right for IPv4, whose header has a sum of its own); the hop that is taken does change it. */
static __always_inline void correct_sum_of_v6(struct __sk_buff* skb,
                                              const struct poise_fast_way* way) {
    bpf_csum_update(skb, way->address_delta + (__u16)~bpf_htons(0x0001));
}

static __always_inline int change(struct __sk_buff* skb, const struct packet* packet,
                                  const struct poise_fast_way* way, int v4) {
    const int nat = (way->flags & POISE_FAST_NAT) != 0;
    if (nat && !correct(skb, packet, way)) return 0;
    if (nat && !v4) correct_sum_of_v6(skb, way);
    void* data = (void*)(long)skb->data;
    const void* end = (void*)(long)skb->data_end;
    if (data + ETH_HLEN + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + 4 > end) return 0;
    copy_words(data, way->macs, sizeof way->macs / 4);
    if (!nat) return 1;
    __u16* ports;
    if (v4) {
        set_v4(data + ETH_HLEN, way);
        ports = data + ETH_HLEN + sizeof(struct iphdr);
    } else {
        set_v6(data + ETH_HLEN, way);
        ports = data + ETH_HLEN + sizeof(struct ipv6hdr);
    }
    if ((way->flags & POISE_FAST_TO_SERVER) != 0)
        ports[1] = way->port;
    else
        ports[0] = way->port;
    return 1;
}

static __always_inline int pass(struct __sk_buff* skb, struct packet* packet, int v4) {
    const __u32 zero = 0;
    const __u32* number = bpf_map_lookup_elem(&fast_index, &packet->key);
    if (number == 0) return TO_THE_TAP;
    struct poise_fast_way* way = bpf_map_lookup_elem(&fast_ways, number);
    const struct poise_fast_state* state = bpf_map_lookup_elem(&fast_state, &zero);
    if (way == 0 || state == 0 || way->generation != state->generation) return TO_THE_TAP;
    const void* data = (void*)(long)skb->data;
    const void* end = (void*)(long)skb->data_end;
    const struct ethhdr* ethernet = data;
    if ((const void*)(ethernet + 1) > end) return TO_THE_TAP;
    if ((way->flags & POISE_FAST_TO_SERVER) != 0) {
        if (skb->ifindex != way->from_interface || !same_mac(ethernet->h_source, way->from_mac))
            return TO_THE_TAP;
        way->acknowledged = packet->acknowledged;
    }
    if ((way->flags & POISE_FAST_NAT) != 0 && packet->hops <= 1) return TO_THE_TAP;
    if (!fits(skb, packet, way->mtu)) return TO_THE_TAP;
    if (!change(skb, packet, way, v4)) return DROPPED;
    __sync_fetch_and_add(&way->packets, 1);
    __sync_fetch_and_add(&way->bytes, packet->ip_bytes);
    return bpf_redirect(way->interface, 0);
}

/* Some cards leave the headers where the payload is, out of our sight. False: the kernel cannot. */
static __always_inline int bring_head(struct __sk_buff* skb) {
    if ((void*)(long)skb->data + HEAD_BYTES <= (void*)(long)skb->data_end) return 1;
    return bpf_skb_pull_data(skb, skb->len < HEAD_BYTES ? skb->len : HEAD_BYTES) == 0;
}

SEC("tc")
int poise_fast_path(struct __sk_buff* skb) {
    struct packet packet = {};
    if (skb->pkt_type != PACKET_HOST || skb->vlan_present || !bring_head(skb)) return TO_THE_TAP;
    const void* data = (void*)(long)skb->data;
    const void* end = (void*)(long)skb->data_end;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        if (!read_v4(data, end, &packet) || packet.ip_bytes > skb->len - ETH_HLEN)
            return TO_THE_TAP;
        return pass(skb, &packet, 1);
    }
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        if (!read_v6(data, end, &packet) || packet.ip_bytes > skb->len - ETH_HLEN)
            return TO_THE_TAP;
        return pass(skb, &packet, 0);
    }
    return TO_THE_TAP;
}
