// The answer that Poise gives itself instead of a server's: why, what to do, and the request's id.
#pragma once

#include "proxy/refusal.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace poise::proxy {

/// Facts of the answer beside its reason.
struct AnswerContext {
    std::string_view request_id;        // may be empty
    std::string_view accept;            // the request's Accept; may be empty
    std::string location = {};          // of a redirection, a whole URL; empty: none
    std::optional<std::size_t> offset;  // of the offending byte in the message, when there is one
    std::optional<std::chrono::seconds> retry_after;           // 503 gets one anyway
    std::optional<std::chrono::system_clock::time_point> now;  // for Date
    bool keep_alive = false;  // the connection goes on: sent only when this is sure
    bool is_message = false;  // goes out as HTTP/2: nothing is said of the connection
    bool is_head = false;     // HEAD: the head alone, with the length of the body
};

/// The whole answer, head and body, for `reason`, whose status is not 0. HTML, JSON (RFC 9457) or
/// plain text, by Accept; plain text when all are equal. Everything is escaped.
std::string make_error_answer(Reason reason, const AnswerContext& context);

/// The answer of a fallback: the operator's own `status` (200 to 599) and body. HTML when the
/// body starts with "<", JSON with "{" or "[", else plain text. An empty body gets a short one.
std::string make_sorry_answer(int status, std::string_view body, const AnswerContext& context);

/// "Not Found"; "Status" for numbers without a name.
std::string_view status_phrase(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::chrono::system_clock::time_point time);

}  // namespace poise::proxy
