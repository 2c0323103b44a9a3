// Heads and trailers of HTTP/2 from their fields, with the checks of HTTP/1 and those of RFC 9113.
#pragma once

#include "proxy/field_block.hpp"
#include "proxy/head.hpp"
#include "proxy/refusal.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace poise::proxy {

/// Views into `block`, whose cookie crumbs are joined first. The request looks like one of
/// HTTP/1.1: a body without a length has Framing::chunked, an extended CONNECT for WebSocket
/// (RFC 8441) is a GET that asks for the upgrade. A refusal's offset counts from the start of
/// block.bytes().
std::optional<Refusal> read_request_fields(FieldBlock& block, const HeadLimits& limits,
                                           RequestHead& out);

/// The same for a response to a request with `request_is_head`.
std::optional<Refusal> read_response_fields(const FieldBlock& block, bool request_is_head,
                                            ResponseHead& out);

/// Trailers as field lines ("name: value\r\n"...).
std::optional<Refusal> read_trailer_fields(const FieldBlock& block, std::string& lines);

/// Whether the message breaks the rules of HTTP/2 (RFC 9113 section 8.1.1): its stream is reset.
/// Every other refusal is answered.
bool is_malformed(Reason reason);

}  // namespace poise::proxy
