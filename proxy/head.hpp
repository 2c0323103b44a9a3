// The head of an HTTP/1 message: parsed, checked, and given as views.
#pragma once

#include "proxy/refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace poise::proxy {

/// Fields that the proxy itself acts on; all others are `other`.
enum class FieldId : std::uint8_t {
    other,
    host,
    connection,
    content_length,
    transfer_encoding,
    te,
    trailer,
    upgrade,
    expect,
    keep_alive,
    proxy_connection,
    proxy_authenticate,
    proxy_authorization,
    www_authenticate,
    authorization,
    cookie,
    set_cookie,
    forwarded,
    x_forwarded_for,
    x_forwarded_proto,
    x_forwarded_host,
    x_request_id,
    accept,
    date,
    server,
    max_forwards,
    http2_settings
};

struct Field {
    std::string_view name;   // as sent
    std::string_view value;  // without surrounding white space
    FieldId id = FieldId::other;
    bool hop_by_hop = false;  // ends here: RFC 9110 section 7.6.1, Connection-named ones included
};

/// `message`: the stream itself marks the end, and has trailers (MessageStream).
enum class Framing : std::uint8_t { none, length, chunked, until_close, message };

struct HeadLimits {
    std::size_t fields = 100;
    std::size_t request_line_bytes = 16'384;
};

/// Views into the bytes given to the parser: they live as long as those bytes stay in place.
/// Reused from message to message so that `fields` keeps its capacity.
struct RequestHead {
    std::string_view method;
    std::string_view target;     // as sent
    std::string_view path;       // origin-form path and query ("/a?b"); "*" for OPTIONS *
    std::string_view authority;  // Host, or the authority of an absolute-form target; may be
                                 // empty in HTTP/1.0
    int major = 1;               // 2: HTTP/2
    int minor = 1;               // HTTP/1.minor
    std::vector<Field> fields;
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;  // with Framing::length
    bool keep_alive = true;            // the client lets the connection go on
    bool expect_continue = false;
    bool upgrade = false;           // Connection: upgrade with an Upgrade field
    bool extended_connect = false;  // the upgrade came as CONNECT (RFC 8441)
    bool te_trailers = false;       // TE: trailers
    bool is_head = false;           // method HEAD
    bool idempotent = false;        // RFC 9110 section 9.2.2

    const Field* find(FieldId id) const;             // the first one, or nullptr
    const Field* find(std::string_view name) const;  // case-insensitive
    void clear();                                    // all but the capacity of `fields`
};

struct ResponseHead {
    int status = 0;
    std::string_view reason_phrase;
    int minor = 1;
    std::vector<Field> fields;
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;
    bool keep_alive = true;  // the server lets the connection go on

    const Field* find(FieldId id) const;
    const Field* find(std::string_view name) const;  // case-insensitive
    void clear();                                    // all but the capacity of `fields`
};

/// The length of the head that starts `bytes`, its empty line included; 0 when it is not whole
/// yet. `scanned` is how many bytes an earlier call has looked at. Also ends at a bare LF LF, so
/// that the parser can refuse it.
std::size_t head_length(std::string_view bytes, std::size_t scanned);

/// Parses a whole head (from head_length) with every check of RFC 9112 that framing and routing
/// depend on. Refuses what is ambiguous. A leading empty line (CRLF) is skipped by the caller.
std::optional<Refusal> parse_request_head(std::string_view bytes, const HeadLimits& limits,
                                          RequestHead& out);

/// The same for a response to a request with `request_is_head` (or CONNECT). 1xx are whole
/// responses with Framing::none.
std::optional<Refusal> parse_response_head(std::string_view bytes, const HeadLimits& limits,
                                           bool request_is_head, ResponseHead& out);

/// The id of a field's name, in any case; `other` when the proxy does not act on it.
FieldId field_id(std::string_view name);

/// The same as servers see it that hand fields on as CGI variables, where "_" and "-" are one: who
/// forges X_Forwarded_For means them.
FieldId field_id_as_variable(std::string_view name);

/// Case-insensitive compare of ASCII.
bool same_word(std::string_view a, std::string_view b);

/// Calls `visit` for each element of a comma list (RFC 9110 section 5.6.1), without white space;
/// empty elements are skipped.
template <typename Visit>
void each_element(std::string_view list, Visit visit) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        auto element = list.substr(0, comma);
        while (!element.empty() && (element.front() == ' ' || element.front() == '\t'))
            element.remove_prefix(1);
        while (!element.empty() && (element.back() == ' ' || element.back() == '\t'))
            element.remove_suffix(1);
        if (!element.empty()) visit(element);
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace poise::proxy
