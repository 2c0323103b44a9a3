#include "app/secrets.hpp"

#include "ha/bytes.hpp"

#include <algorithm>

namespace poise::app {

std::vector<std::uint8_t> to_bytes(const Secrets& secrets) {
    ha::ByteWriter out;
    out.u8(secrets.cookie_key ? 1 : 0);
    if (secrets.cookie_key) out.raw(*secrets.cookie_key);
    const std::size_t count = std::min(secrets.ticket_keys.size(), tls::TicketKeys::kept);
    out.u8(static_cast<std::uint8_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        out.raw(secrets.ticket_keys[i].name);
        out.raw(secrets.ticket_keys[i].cipher);
        out.raw(secrets.ticket_keys[i].mac);
    }
    return out.take();
}

std::optional<Secrets> secrets_from_bytes(std::span<const std::uint8_t> bytes) {
    ha::ByteReader in(bytes);
    Secrets secrets;
    if (in.u8() != 0) secrets.cookie_key = in.raw<32>();
    const std::size_t count = in.u8();
    if (!in.good() || count > tls::TicketKeys::kept) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
        tls::TicketKey key;
        key.name = in.raw<16>();
        key.cipher = in.raw<32>();
        key.mac = in.raw<32>();
        secrets.ticket_keys.push_back(key);
    }
    if (!in.good() || !in.at_end()) return std::nullopt;
    return secrets;
}

}  // namespace poise::app
