// The persistence cookie: an opaque value a server, and surgery on Cookie fields so that the
// servers never see ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::persistence {

/// Both nodes of a pair must have the same one. Keep it secret: who knows it can choose servers.
using CookieKey = std::array<std::uint8_t, 32>;

/// Fresh random bytes, for a node that needs no cookies to outlive it.
CookieKey random_cookie_key();

/// Reads the 64 hex digits of `path`; when there is no such file, makes one with mode 0600 in one
/// step, so that two processes that start together end with the same key. The error says what is
/// wrong with the file, and the cure. May wait for the disk.
std::expected<CookieKey, std::string> load_or_create_key(const std::string& path);

/// The cookie values of one service's servers, computed once. The value is a MAC of the service's
/// and the server's name, so that it tells nothing, cannot be made up, and is the same on both
/// nodes and after a restart. Immutable; any thread.
class CookieJar {
public:
    CookieJar(std::string_view service, const CookieKey& key, std::span<const std::string> servers,
              std::string_view cookie_name = "POISE", bool http_only = true);

    std::size_t size() const { return servers_.size(); }
    std::string_view cookie_name() const { return cookie_name_; }

    /// 22 characters of base64url.
    std::string_view value_for(std::size_t index) const;

    /// The server of a value that a client sent; nullopt when it is none of ours.
    std::optional<std::size_t> find(std::string_view value) const;

    /// The server named by a Cookie field: of several cookies with our name the first that is
    /// known.
    std::optional<std::size_t> find_in_header(std::string_view cookie_header) const;

    /// "Set-Cookie: POISE=<opaque>; Path=/; HttpOnly; SameSite=Lax[; Secure]\r\n"
    std::string_view set_cookie_header(std::size_t index, bool secure) const;

private:
    struct PerServer {
        std::string value, plain_header, secure_header;
    };
    struct Slot {
        std::uint64_t hash = 0;
        std::uint32_t server = no_server;
    };
    static constexpr std::uint32_t no_server = UINT32_MAX;

    std::string cookie_name_;
    std::vector<PerServer> servers_;
    std::vector<Slot> slots_;  // open addressing; a power of two, at most half full
};

/// Calls `visit(value)` for each cookie of exactly this name in a Cookie field's value, until it
/// returns true. Values are as sent, quotes included, without surrounding white space.
template <typename Visit>
bool each_cookie(std::string_view header, std::string_view name, Visit visit);

/// The value of the first cookie of this name.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);

/// Appends `header` without the cookies of these names; the bytes of the others stay as they
/// were. Returns whether anything is left: a field that held nothing else must not be sent.
bool append_without_cookies(std::string& out, std::string_view header,
                            std::span<const std::string> names);

/// The same for one name and as a new string; empty when nothing is left.
std::string remove_cookie(std::string_view header, std::string_view name);

/// One cookie of a Cookie field, as views into it.
struct CookiePiece {
    std::string_view whole;  // everything up to the next separator, white space included
    std::string_view name;   // trimmed; empty when there is no "="
    std::string_view value;  // trimmed
};

/// Cuts the first piece and its ";" off `rest`. Every ";" separates, in quotes too, as RFC 6265
/// has it: so taking one cookie out can never change where the others start and end.
CookiePiece next_cookie(std::string_view& rest);

template <typename Visit>
bool each_cookie(std::string_view header, std::string_view name, Visit visit) {
    while (!header.empty()) {
        const CookiePiece piece = next_cookie(header);
        if (piece.name == name && visit(piece.value)) return true;
    }
    return false;
}

}  // namespace poise::persistence
