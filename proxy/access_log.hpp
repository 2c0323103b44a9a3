// One line a request: what was asked, who answered, and where the time went.
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"
#include "proxy/refusal.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poise::proxy {

/// The facts of a finished request, or of a session, which has none of a request's words. Of a
/// request whose head was refused they are empty. Views need to live for the call only. Holds no
/// other field of the request, so that Authorization and Cookie cannot reach the log.
struct AccessRecord {
    using microseconds = std::chrono::microseconds;

    std::chrono::system_clock::time_point at;  // when the request's head was whole
    Address client;                            // the effective one
    std::string_view service;
    std::string_view server;  // empty: none was reached
    bool is_request = true;   // false: a TCP or UDP session
    std::string_view method;
    std::string_view target;  // path and query as sent
    std::string_view host;
    int http_major = 1;
    int http_minor = 1;
    int status = 0;
    std::uint64_t bytes_in = 0;                                // from the client, heads included
    std::uint64_t bytes_out = 0;                               // to the client, heads included
    std::optional<std::uint64_t> datagrams_in, datagrams_out;  // of a UDP session
    // Phases; nullopt when the phase was not reached.
    std::optional<microseconds> queue;       // waiting for a server
    std::optional<microseconds> connect;     // 0 on a reused connection
    std::optional<microseconds> first_byte;  // from the request's last byte to the response head
    microseconds total{0};
    std::string_view request_id;
    Reason reason = Reason::none;
    int retries = 0;
    bool upstream_reused = false;
};

/// Appends the record as one line without its line feed. Text: key=value words, values in quotes
/// where needed; control bytes, quotes and bytes that are no UTF-8 are escaped (\x0a), so that no
/// client can forge a line. JSON: one object of the same keys; bad bytes become U+FFFD. A target
/// longer than 8 KiB is cut and ends in "...".
void append_access_line(std::string& out, const AccessRecord& record, config::LogFormat format);

}  // namespace poise::proxy
