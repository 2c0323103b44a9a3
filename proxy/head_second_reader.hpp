// llhttp in strict mode as a second reader of heads: both readers must see the same.
#pragma once

#include "proxy/head_framing.hpp"

#include <string_view>
#include <vector>

namespace poise::proxy {

/// What our own reader found in a head.
struct FirstReading {
    std::string_view head;    // with its empty line
    std::string_view method;  // empty: the head is a response's
    std::string_view target;
    const std::vector<Field>& fields;
    BodyFraming framing;
};

/// Lets llhttp read the same bytes with all lenient flags off. Refuses what it refuses, and
/// everything where its target, fields or framing differ from `first`. No allocation.
///
/// Why two readers: llhttp alone lets some forms through that must be refused (it was made to
/// serve, not to forward) and knows a fixed list of methods; a reader of our own alone would be a
/// single pair of eyes on foreign bytes. Heads in which no two readers can differ (`is_plain`)
/// need not be shown to it.
Refusal ask_second_reader(const FirstReading& first);

}  // namespace poise::proxy
