// Why Poise answers a request itself instead of passing it on: each way has a name, a status,
// a sentence and, where a protocol decides, a section of an RFC.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poise::proxy {

/// Each way for a request, a response or an exchange to fail. A counter per reason and worker.
enum class Reason : std::uint8_t {
    none,
    // The client's bytes (4xx).
    bare_lf,
    bare_cr,
    obsolete_fold,
    space_before_colon,
    control_byte,
    empty_field_name,
    bad_field_name,
    bad_request_line,
    bad_method,
    bad_target,
    fragment_in_target,
    bad_version,
    missing_host,
    several_hosts,
    bad_host,
    host_disagrees,
    several_content_lengths,
    bad_content_length,
    length_and_chunked,
    bad_transfer_encoding,
    transfer_encoding_in_http10,
    bad_chunk_size,
    chunk_size_overflow,
    chunk_extension_too_long,
    bad_chunk_line,
    framing_field_in_trailer,
    trailer_too_long,
    head_too_long,
    too_many_fields,
    request_line_too_long,
    body_too_long,
    bad_expect,
    bad_upgrade,
    connect_refused,
    bad_pseudo_field,
    uppercase_field_name,
    space_around_value,
    connection_field,
    length_disagrees,
    http2_error,
    http2_flood,
    bad_proxy_header,
    untrusted_proxy_header,
    plain_http_to_tls,
    tls_handshake_failed,
    client_certificate_missing,
    client_certificate_refused,
    https_required,
    bad_first_packet,
    // The client's time and going away.
    tls_handshake_timeout,
    header_timeout,
    body_timeout,
    body_too_slow,
    first_packet_timeout,
    client_closed,
    // Us.
    no_service,
    no_server,
    queue_full,
    queue_timeout,
    draining,
    servers_full,
    udp_sessions_full,
    datagram_unsent,
    too_many_connections,
    // The real server (502, 504).
    connect_failed,
    connect_timeout,
    port_unreachable,
    unresolved,
    response_timeout,
    response_reset,
    response_cut,
    server_halted,
    bad_response,
    response_head_too_long,
    response_idle,
    upstream_send_failed,
    server_tls_failed,
    server_certificate_refused,
    upgrade_unsupported,
    count_
};

struct ReasonFacts {
    std::string_view id;       // "bare_lf": stable, in logs, metrics and answers
    int status;                // the answer's status; 0 when no answer can be given
    std::string_view text;     // one sentence for people: what is wrong
    std::string_view cure;     // what to do
    std::string_view section;  // "RFC 9112 section 2.2", or empty
};

const ReasonFacts& facts(Reason reason);

/// A message that was refused, and where.
struct Refusal {
    Reason reason = Reason::none;
    std::size_t offset = 0;  // of the offending byte, from the start of the message
};

}  // namespace poise::proxy
