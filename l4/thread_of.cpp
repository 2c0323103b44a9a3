#include "l4/thread_of.hpp"

#include "l4/fan_out.h"
#include "l4/flow.hpp"

#include <cstring>

namespace poise::l4 {

static_assert(alias_port_first == POISE_ALIAS_PORT_FIRST);

unsigned thread_of(const Ip& client, unsigned threads) {
    __u32 words[4];
    static_assert(sizeof words == sizeof(Ip));
    std::memcpy(words, client.data(), sizeof words);
    return poise_fan_of_client(words) % threads;
}

unsigned thread_of_alias(std::uint16_t port, unsigned threads) {
    return poise_fan_of_alias(port) % threads;
}

}  // namespace poise::l4
