/* What the program in the kernel (fast_path.bpf.c) and Poise say to each other, as both see it in
 * memory. C, for the one; numbers are in host byte order unless it says otherwise. */
#ifndef POISE_L4_FAST_WAY_H
#define POISE_L4_FAST_WAY_H

#include <linux/types.h>

/* The packets of one direction of a flow. Addresses as Ip has them, ports in network byte order. */
struct poise_fast_key {
    __u8 source[16];
    __u8 destination[16];
    __u16 source_port;
    __u16 destination_port;
    __u32 protocol;
};

enum {
    POISE_FAST_NAT = 1,       /* an endpoint is replaced, and the packet takes a hop */
    POISE_FAST_TO_SERVER = 2, /* the endpoint is the destination; else the source */
};

/* What becomes of them. The first half is Poise's to write, the second the program's: they are a
 * cache line each, and Poise reads the second one without asking the kernel. */
struct poise_fast_way {
    __u32 generation;     /* valid as long as it is that of the state; never 0 then */
    __u32 interface;      /* they leave over this one */
    __u32 from_interface; /* to the server: they come over this one, from from_mac, else Poise */
    __u8 macs[12];        /* must learn of it. As the header gets them: to whom, from whom */
    __u8 address[16];     /* of the new endpoint: IPv4 in the last four */
    __u8 from_mac[6];
    __u16 port; /* of the new endpoint, in network byte order */
    __u32 mtu;
    __u32 flags;
    __u32 address_delta; /* what the new address adds to a checksum, as bpf_csum_diff() has it */

    __u64 packets __attribute__((aligned(64)));
    __u64 bytes;        /* of IP */
    __u32 acknowledged; /* to the server, tcp: what the client awaits next */
    __u32 unused_[11];
};

struct poise_fast_state {
    __u32 generation;
};

#endif
