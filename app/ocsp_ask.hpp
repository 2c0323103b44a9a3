// One question to an OCSP responder over HTTP (RFC 6960 appendix A.1).
#pragma once

#include "base/task.hpp"
#include "pool/resolver.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace poise::app {

/// Where a responder is.
struct HttpUrl {
    std::string host;  // a name or an address, without brackets
    std::uint16_t port = 80;
    std::string path = "/";  // with the query

    bool operator==(const HttpUrl&) const = default;
};

/// Reads "http://host[:port][/path]". nullopt: it is something else, such as https, which
/// responders must not need (RFC 6960 appendix A.1.1: the answer is signed).
std::optional<HttpUrl> parse_http_url(std::string_view url);

/// For each of the two: looking the name up, and the exchange.
inline constexpr std::chrono::seconds ocsp_limit{10};

/// The answer's bytes, at most pool::Conversation::received_bytes_max. The error is for people:
/// "connect refused". A responder that sends elsewhere is not followed. Control thread; `names`
/// may go meanwhile. Throws when cancelled.
Task<std::expected<std::string, std::string>> ask_responder(const pool::Resolver& names,
                                                            std::string url, std::string question);

}  // namespace poise::app
