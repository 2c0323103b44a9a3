/* Which layer-4 thread has a packet, as both the program in the kernel (fan_out.bpf.c) and Poise
 * reckon it: what they return is taken modulo the number of threads. C, for the one. */
#ifndef POISE_L4_FAN_OUT_H
#define POISE_L4_FAN_OUT_H

#include <linux/types.h>

enum {
    POISE_FAN_VIP = 1,    /* a service's address */
    POISE_FAN_SERVER = 2, /* a real server's, of mode nat */
};

/* From this port of a service's address on a server's answers are to a client in its own network:
 * the port stands for him. */
#define POISE_ALIAS_PORT_FIRST 49152

/* Of a client, by the four words of his address as it stands in a packet (of IPv4: 0, 0, the
 * mark of a mapped address, the address). All that a client has is on one thread, so that
 * fragments and pairs of ports find what belongs to them. */
static inline __u32 poise_fan_of_client(const __u32 words[4]) {
    __u32 hash = (words[0] * 0x85ebca6bU) ^ (words[1] * 0xc2b2ae35U) ^ (words[2] * 0x27d4eb2fU) ^
                 words[3];
    hash ^= hash >> 16;
    hash *= 0x7feb352dU;
    hash ^= hash >> 15;
    hash *= 0x846ca68bU;
    return hash ^ (hash >> 16);
}

/* Of an answer to a port that stands for a client. Both ports of a pair are on one thread. */
static inline __u32 poise_fan_of_alias(__u32 port) {
    return port >> 1;
}

#endif
