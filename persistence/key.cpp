#include "persistence/key.hpp"

#include <array>
#include <cassert>
#include <cstring>
#include <string>

namespace poise::persistence {

namespace {

// A secret of its own for each service and kind of key: an address and a header's value with the
// same bytes are different keys, and so is the same client in two services.
HashKey derive(const HashKey& secret, std::string_view kind, std::string_view service) {
    std::string label{kind};
    label += '\0';
    label += service;
    const Hash128 derived = keyed_hash(secret, label);
    return {derived.high, derived.low};
}

}  // namespace

KeyMaker::KeyMaker(std::string_view service, const HashKey& secret, int mask, int mask6)
    : address_secret_(derive(secret, "address", service)),
      text_secret_(derive(secret, "text", service)),
      mask_(mask),
      mask6_(mask6) {
    assert(mask >= 0 && mask <= 32);
    assert(mask6 >= 0 && mask6 <= 128);
}

Key KeyMaker::from_address(const Address& client) const {
    constexpr int bits_before_v4 = 96;
    const Address range = masked(client, client.is_v4() ? bits_before_v4 + mask_ : mask6_);
    std::array<char, 17> bytes;
    std::memcpy(bytes.data(), range.ip.data(), range.ip.size());
    // With mask6 0 all of IPv6 is one range; it must not become one with an IPv4 range.
    bytes[16] = client.is_v4() ? 4 : 6;
    return keyed_hash(address_secret_, {bytes.data(), bytes.size()});
}

Key KeyMaker::from_text(std::string_view text) const {
    return keyed_hash(text_secret_, text);
}

std::uint64_t server_id(std::string_view service, std::string_view server) {
    constexpr std::uint64_t server_ids = 0x706f697365;  // sets these hashes apart from others
    const std::uint64_t id = hash64(server, hash64(service, server_ids));
    return id == 0 ? 1 : id;
}

}  // namespace poise::persistence
