// What a client is known by in a persistence table, and what a server is known by: numbers that
// are the same on both nodes of a pair.
#pragma once

#include "base/address.hpp"
#include "base/hash.hpp"

#include <cstdint>
#include <string_view>

namespace poise::persistence {

/// 128 bits, so that two clients never share a key by accident.
using Key = Hash128;

/// Makes the keys of one service. Immutable; any thread.
class KeyMaker {
public:
    /// `mask` (0-32) and `mask6` (0-128) are how many leading bits of a client's address count.
    /// `secret` must be the same on both nodes of a pair.
    KeyMaker(std::string_view service, const HashKey& secret, int mask = 32, int mask6 = 128);

    Key from_address(const Address& client) const;  // the port does not count
    Key from_text(std::string_view text) const;     // a header's value

private:
    HashKey address_secret_;
    HashKey text_secret_;
    int mask_;
    int mask6_;
};

/// A stable number for a server of a service; never 0.
std::uint64_t server_id(std::string_view service, std::string_view server);

}  // namespace poise::persistence
