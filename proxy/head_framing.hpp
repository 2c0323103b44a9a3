// What the fields of a head say together about its framing and the connection's life.
#pragma once

#include "proxy/head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace poise::proxy {

/// More Connection options than this are refused: each is compared with each field's name.
inline constexpr std::size_t connection_options_max = 64;

/// The fields that decide, the first of each, and what the lists among them name.
struct HeadFacts {
    const Field* host = nullptr;
    const Field* content_length = nullptr;
    const Field* transfer_encoding = nullptr;
    const Field* expect = nullptr;
    const Field* bad_expect = nullptr;   // the first Expect that is not 100-continue
    const Field* bad_upgrade = nullptr;  // the first Upgrade that is not a list of protocols
    std::size_t options_n = 0;           // of all Connection fields
    bool close = false;                  // Connection: close
    bool keep_alive = false;             // Connection: keep-alive
    bool upgrade_asked = false;          // Connection: upgrade
    bool upgrade_named = false;          // an Upgrade field
    bool upgrade_to_http = false;        // ... that names a version of HTTP: never passed on
    bool te_trailers = false;            // TE: trailers
    bool nominates = false;              // Connection names fields that are not known here
};

struct BodyFraming {
    Framing framing = Framing::none;  // none when no field declares a body
    std::uint64_t content_length = 0;
};

/// Looks at each of `fields` once and marks those that end here. `head` holds their bytes.
/// Refuses what may stand only once and stands twice.
Refusal gather(std::string_view head, std::vector<Field>& fields, HeadFacts& facts);

/// Decides between Content-Length, chunked and neither (RFC 9112 section 6). Refuses all that
/// two readers could decide in two ways.
Refusal decide_framing(std::string_view head, int minor, const HeadFacts& facts,
                       BodyFraming& framing);

/// True when the other side lets the connection go on (RFC 9112 section 9.3).
bool stays_open(int minor, const HeadFacts& facts);

/// The index of `part` in `head`, which holds it.
inline std::size_t offset_in(std::string_view head, std::string_view part) {
    return static_cast<std::size_t>(part.data() - head.data());
}

}  // namespace poise::proxy
