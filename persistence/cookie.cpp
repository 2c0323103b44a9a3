#include "persistence/cookie.hpp"

#include "base/hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <bit>
#include <cassert>
#include <stdexcept>

namespace poise::persistence {

namespace {

constexpr std::size_t mac_bytes = 16;  // of the 32: nobody guesses 128 bits

// RFC 4648 section 5, without padding.
std::string base64url(std::span<const std::uint8_t> bytes) {
    static constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    std::uint32_t bits = 0;
    int count = 0;
    for (const std::uint8_t byte : bytes) {
        bits = (bits << 8) | byte;
        for (count += 8; count >= 6; count -= 6)
            text += letters[(bits >> (count - 6)) & 63];
    }
    if (count > 0) text += letters[(bits << (6 - count)) & 63];
    return text;
}

// Each name goes in with its length in front, so that no two pairs of names give one message.
void append_name(std::string& message, std::string_view name) {
    message += '|';
    message += std::to_string(name.size());
    message += '|';
    message += name;
}

std::string opaque_value(std::string_view service, const CookieKey& key, std::string_view server) {
    std::string message = "poise-cookie-v1";
    append_name(message, service);
    append_name(message, server);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac;
    unsigned int bytes = 0;
    const auto* text = reinterpret_cast<const unsigned char*>(message.data());
    const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text,
                            message.size(), mac.data(), &bytes);
    if (made == nullptr) throw std::runtime_error("HMAC-SHA256 failed");
    assert(bytes >= mac_bytes);
    return base64url(std::span(mac).first(mac_bytes));
}

// Takes the same time wherever the two differ, so that answers do not tell how much of a guess
// was right.
bool same_value(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned char differences = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        differences |= static_cast<unsigned char>(a[i] ^ b[i]);
    return differences == 0;
}

}  // namespace

CookieJar::CookieJar(std::string_view service, const CookieKey& key,
                     std::span<const std::string> servers, std::string_view cookie_name,
                     bool http_only)
    : cookie_name_(cookie_name), slots_(std::bit_ceil(servers.size() * 2 + 1)) {
    assert(!cookie_name.empty());
    servers_.reserve(servers.size());
    for (const std::string& name : servers) {
        PerServer made;
        made.value = opaque_value(service, key, name);
        const std::string head = "Set-Cookie: " + cookie_name_ + "=" + made.value;
        const std::string start = head + (http_only ? "; Path=/; HttpOnly" : "; Path=/");
        made.plain_header = start + "; SameSite=Lax\r\n";
        made.secure_header = start + "; SameSite=Lax; Secure\r\n";
        const std::uint64_t hash = hash64(made.value);
        std::size_t at = hash & (slots_.size() - 1);
        while (slots_[at].server != no_server)
            at = (at + 1) & (slots_.size() - 1);
        slots_[at] = {hash, static_cast<std::uint32_t>(servers_.size())};
        servers_.push_back(std::move(made));
    }
}

std::string_view CookieJar::value_for(std::size_t index) const {
    assert(index < servers_.size());
    return servers_[index].value;
}

std::optional<std::size_t> CookieJar::find(std::string_view value) const {
    constexpr std::size_t value_chars = (mac_bytes * 8 + 5) / 6;
    if (value.size() != value_chars) return std::nullopt;
    const std::uint64_t hash = hash64(value);
    std::size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].server != no_server; at = (at + 1) & (slots_.size() - 1)) {
        const Slot& slot = slots_[at];
        if (slot.hash == hash && same_value(servers_[slot.server].value, value)) return slot.server;
    }
    return std::nullopt;
}

std::optional<std::size_t> CookieJar::find_in_header(std::string_view cookie_header) const {
    std::optional<std::size_t> found;
    each_cookie(cookie_header, cookie_name_, [&](std::string_view value) {
        // Some clients put what they were given into quotes.
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        found = find(value);
        return found.has_value();
    });
    return found;
}

std::string_view CookieJar::set_cookie_header(std::size_t index, bool secure) const {
    assert(index < servers_.size());
    return secure ? servers_[index].secure_header : servers_[index].plain_header;
}

}  // namespace poise::persistence
