// The little of DNS that a health check needs (RFC 1035, 4.1). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poise::pool {

/// A query for the addresses of `name`, or for the root's name servers when it is empty. "" when
/// `name` is no name: a label is 1 to 63 bytes, all of it at most 253.
std::string make_dns_query(std::uint16_t id, std::string_view name);

/// The response code of an answer to `query`: 0 is NOERROR. nullopt when it is no answer to it.
std::optional<int> dns_response_code(std::string_view message, std::string_view query);

/// "NXDOMAIN", "REFUSED", or the number.
std::string dns_code_name(int code);

}  // namespace poise::pool
