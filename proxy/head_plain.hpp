// Plain heads: those that no reader can read in another way than ours.
#pragma once

#include "proxy/head_second_reader.hpp"

namespace poise::proxy {

/// True when a look at the bytes themselves shows that the second reader would see what `first`
/// says, so that it need not be asked. `first` is what our reader has accepted, its views into
/// `first.head`. False says nothing of the head but that llhttp must look too. No allocation.
///
/// Attacks live where readers differ: which bytes end a line or are skipped (RFC 9112 section
/// 2.2), blanks before a line or a colon (sections 5.1 and 5.2), forms of the target (section
/// 3.2), and what frames the body (section 6). A plain head has none of it:
/// - Its bytes are 0x20 to 0x7e, but for the CR LF pairs where our lines end. So no reader finds
///   other lines, be it one that ends them at a bare LF, joins them or skips NUL, CR or tabs.
/// - The first line is "METHOD /path HTTP/1.1" (or 1.0) with these two spaces, or starts with
///   "HTTP/1.1 " (or 1.0).
/// - Each other line is "Name: value" with that one blank, just where `first` has it; the name
///   neither starts nor ends with a blank.
/// - It has no Transfer-Encoding, and at most one Content-Length, of up to 18 digits that are
///   read here once more. What may be either is told by the name's size and first letter, not by
///   its FieldId.
/// Everything else is left to the first reader: method, names and target by its tables, which let
/// nothing pass that llhttp stops (the unit test tries each byte). Connection and Upgrade may
/// stand, and every status: llhttp's framing, as far as it is compared, does not depend on them.
bool is_plain(const FirstReading& first);

}  // namespace poise::proxy
