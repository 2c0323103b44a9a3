// The keys that both nodes of a pair must share so that cookies, persistence tables and session
// tickets of one are good on the other, and their bytes.
#pragma once

#include "persistence/cookie.hpp"
#include "tls/ticket_keys.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace poise::app {

struct Secrets {
    std::optional<persistence::CookieKey> cookie_key;  // when something uses it
    tls::TicketKeys::Keys ticket_keys;                 // newest first; empty: nobody speaks TLS

    bool operator==(const Secrets&) const = default;
};

std::vector<std::uint8_t> to_bytes(const Secrets& secrets);
/// Nothing when they make no sense.
std::optional<Secrets> secrets_from_bytes(std::span<const std::uint8_t> bytes);

}  // namespace poise::app
