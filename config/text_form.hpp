// What texts of the configuration must look like. Each answers nothing, or what is wrong.
#pragma once

#include "config/units.hpp"

#include <optional>
#include <string_view>

namespace poise::config {

/// Any text on one line.
std::optional<Problem> check_line(std::string_view text);
/// A page or a message: several lines, but no other control characters.
std::optional<Problem> check_body(std::string_view text);
/// A path of a request: begins with '/', no white space, no fragment.
std::optional<Problem> check_request_path(std::string_view text);
/// The path a rule compares with: as above and without a query.
std::optional<Problem> check_rule_path(std::string_view text);
/// A token of HTTP (RFC 9110, 5.6.2): a method, a header's or a cookie's name.
std::optional<Problem> check_token(std::string_view text);
/// A host name or an address, as a Host header carries it without its port; or empty.
std::optional<Problem> check_host(std::string_view text);
/// As above, or "*.example.com"; not empty.
std::optional<Problem> check_host_pattern(std::string_view text);
/// The name of a service or a node: letters, digits, '.', '-' and '_', at most 64.
std::optional<Problem> check_name(std::string_view text);
/// The name of a server: as above and what an address holds, ':', '[' and ']'.
std::optional<Problem> check_server_name(std::string_view text);

}  // namespace poise::config
