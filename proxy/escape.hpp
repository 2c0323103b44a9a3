// Text of others made safe for HTML, JSON and log lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace poise::proxy {

/// The bytes of the UTF-8 character that starts `text` (RFC 3629: shortest form, no surrogates),
/// or 0 when there is none.
std::size_t utf8_bytes(std::string_view text);

/// &, <, >, " and ' become entities; control bytes and bytes that are no UTF-8 become U+FFFD.
void append_html(std::string& out, std::string_view text);

/// As a JSON string, its quotes included; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// For a value of a key=value line: as it is when it is made of plain characters, else in quotes
/// with \" and \\ and \xHH for control bytes, DEL and what is no UTF-8. "-" when empty.
void append_log_value(std::string& out, std::string_view text);

}  // namespace poise::proxy
