#include "tls/ticket_keys.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <cassert>
#include <span>
#include <stdexcept>
#include <utility>

namespace poise::tls {

namespace {

void fill(std::span<std::uint8_t> bytes) {
    if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error("no randomness for session tickets");
}

TicketKey random_key() {
    TicketKey key;
    fill(key.name);
    fill(key.cipher);
    fill(key.mac);
    return key;
}

}  // namespace

TicketKeys::TicketKeys() : keys_(std::make_shared<const Keys>(Keys{random_key()})) {}

void TicketKeys::rotate() {
    Keys keys = *get();
    keys.insert(keys.begin(), random_key());
    adopt(std::move(keys));
}

void TicketKeys::adopt(Keys keys) {
    assert(!keys.empty());
    keys.resize(std::min(keys.size(), kept));
    keys_.store(std::make_shared<const Keys>(std::move(keys)));
}

}  // namespace poise::tls
