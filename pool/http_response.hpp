// As much of an HTTP response as a health check looks at. Pure; bounded by what it is given.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poise::pool {

struct HttpResponse {
    int status = 0;
    std::string body;       // what has come of it, transfer coding removed
    bool complete = false;  // the body has ended by its own framing
};

/// Reads what has been received so far. nullopt while the final response's head is incomplete;
/// interim responses (1xx) are passed over. status is 0 when it is no HTTP at all.
std::optional<HttpResponse> read_http_response(std::string_view received);

}  // namespace poise::pool
