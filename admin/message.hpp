// A request to the administration and its answer, as plain values: no handler sees a socket.
#pragma once

#include "base/address.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poise::admin {

enum class Method : std::uint8_t { get, head, post, put, delete_, other };

/// "GET", "DELETE"; "" for `other`.
std::string_view word(Method method);

struct Request {
    Method method = Method::get;
    std::string path;   // as sent, without the query: "/api/v1/services/web"
    std::string query;  // as sent, without the question mark
    std::string body;
    Address client;
    bool tls = false;
    std::string host, origin, cookie, authorization, csrf, content_type, if_none_match;
};

/// The value of `name` in the query, decoded; nullopt when it is not there.
std::optional<std::string> query_value(std::string_view query, std::string_view name);
/// %41 becomes A; nullopt when a percent sign is not followed by two hex digits.
std::optional<std::string> percent_decoded(std::string_view text);
/// The value of cookie `name`; empty when there is none.
std::string_view cookie_value(std::string_view cookie_field, std::string_view name);

struct Response {
    unsigned status = 200;
    std::string type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields;  // beside those that all answers have
    bool cacheable = false;                                   // else nothing may be stored
    /// The answer is a stream of events that ends when this is false. Asked before each event.
    std::function<bool()> may_stream;
};

}  // namespace poise::admin
