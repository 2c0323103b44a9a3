// The request target and the Host field: their forms, and whether they agree.
#pragma once

#include "proxy/refusal.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace poise::proxy {

/// A target of RFC 9112 section 3.2 taken apart.
struct Target {
    std::string_view path;       // "/a?b", or "*"
    std::string_view authority;  // of the absolute form; else empty
    bool is_https = false;       // the absolute form's scheme
};

/// Takes `target` (target bytes only, see head_bytes.hpp) apart. `method` decides where the
/// asterisk may stand. The offset of a refusal counts from the start of `target`.
Refusal read_target(std::string_view method, std::string_view target, Target& out);

/// The index of the first byte that keeps `authority` from being uri-host [":" port] of RFC 3986
/// (a port of 1 to 65535), or nothing when it is good. A comma is refused: no name holds one,
/// and it is what two merged Host fields look like.
std::optional<std::size_t> find_authority_fault(std::string_view authority);

/// True when `authority` and `host` name the same host and port; a port that is left out is the
/// default one of the scheme. Both are free of faults.
bool same_authority(std::string_view authority, std::string_view host, bool is_https);

}  // namespace poise::proxy
