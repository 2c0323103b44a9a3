// The facts of each Reason: one table, in the order of the enum.
#include "proxy/refusal.hpp"

#include <cassert>

namespace poise::proxy {

namespace {

struct Row {
    Reason reason;
    ReasonFacts facts;
};

constexpr std::size_t reasons_n = static_cast<std::size_t>(Reason::count_);

constexpr std::array rows = {
    Row{Reason::none, {"none", 0, "Nothing is wrong.", "Nothing is to be done.", ""}},
    Row{Reason::bare_lf,
        {"bare_lf", 400, "A line ends with LF alone.",
         "End each line of the head and of the chunk framing with CR LF.", "RFC 9112 section 2.2"}},
    Row{Reason::bare_cr,
        {"bare_cr", 400, "A CR stands without an LF behind it.",
         "Use CR only as a part of the line end CR LF.", "RFC 9112 section 2.2"}},
    Row{Reason::obsolete_fold,
        {"obsolete_fold", 400, "A field line starts with white space (a folded value).",
         "Send each field on one line.", "RFC 9112 section 5.2"}},
    Row{Reason::space_before_colon,
        {"space_before_colon", 400, "White space stands between a field name and its colon.",
         "Remove the white space before the colon.", "RFC 9112 section 5.1"}},
    Row{Reason::control_byte,
        {"control_byte", 400, "A field value holds a control byte.",
         "Encode the value; of the control bytes only a tab is allowed.", "RFC 9110 section 5.5"}},
    Row{Reason::empty_field_name,
        {"empty_field_name", 400, "A field line starts with its colon: the name is empty.",
         "Give the field a name or leave it out.", "RFC 9112 section 5"}},
    Row{Reason::bad_field_name,
        {"bad_field_name", 400,
         "A field name holds a byte that names may not hold, or no colon "
         "follows it.",
         "Use letters, digits and !#$%&'*+-.^_`|~ in names, and a colon behind them.",
         "RFC 9110 section 5.1"}},
    Row{Reason::bad_request_line,
        {"bad_request_line", 400,
         "The request line is not a method, a target and a version with one space between them.",
         "Send a line such as \"GET /path HTTP/1.1\"; encode spaces in the target as %20.",
         "RFC 9112 section 3"}},
    Row{Reason::bad_method,
        {"bad_method", 400, "The method holds a byte that methods may not hold.",
         "Check that the client speaks plain HTTP on this port, not TLS or another protocol.",
         "RFC 9110 section 9.1"}},
    Row{Reason::bad_target,
        {"bad_target", 400, "The request target is not a valid path, URL or asterisk.",
         "Start the target with \"/\", or with http:// or https:// and a host; percent-encode "
         "control and non-ASCII bytes; use \"*\" with OPTIONS only.",
         "RFC 9112 section 3.2"}},
    Row{Reason::fragment_in_target,
        {"fragment_in_target", 400, "The request target holds a fragment (\"#\").",
         "Leave the fragment out, or encode \"#\" as %23.", "RFC 9112 section 3.2"}},
    Row{Reason::bad_version,
        {"bad_version", 505, "The protocol version is neither HTTP/1.0 nor HTTP/1.1.",
         "Use HTTP/1.1; HTTP/2 is not spoken here.", "RFC 9112 section 2.3"}},
    Row{Reason::missing_host,
        {"missing_host", 400, "An HTTP/1.1 request has no Host field.",
         "Send the Host field with the name of the site.", "RFC 9112 section 3.2"}},
    Row{Reason::several_hosts,
        {"several_hosts", 400, "The request has more than one Host field.",
         "Send the Host field once.", "RFC 9112 section 3.2"}},
    Row{Reason::bad_host,
        {"bad_host", 400, "The Host field is not a host name or address with an optional port.",
         "Send a value such as \"example.com\", \"example.com:8080\" or \"[2001:db8::1]:8080\".",
         "RFC 9110 section 7.2"}},
    Row{Reason::host_disagrees,
        {"host_disagrees", 400, "The host in the request target is not the one in the Host field.",
         "Send the same host and port in both.", "RFC 9112 section 3.2.2"}},
    Row{Reason::several_content_lengths,
        {"several_content_lengths", 400, "The message has more than one Content-Length.",
         "Send Content-Length once, with one number.", "RFC 9112 section 6.3"}},
    Row{Reason::bad_content_length,
        {"bad_content_length", 400,
         "The Content-Length is not a decimal number below 2 to the power of 63.",
         "Send digits only: no sign, no unit, no list.", "RFC 9110 section 8.6"}},
    Row{Reason::length_and_chunked,
        {"length_and_chunked", 400, "The message has Content-Length and Transfer-Encoding.",
         "Send one of them; which end the body has is in doubt with both.",
         "RFC 9112 section 6.1"}},
    Row{Reason::bad_transfer_encoding,
        {"bad_transfer_encoding", 501, "The Transfer-Encoding is not exactly \"chunked\".",
         "Send \"Transfer-Encoding: chunked\" once and alone, or Content-Length; compress with "
         "Content-Encoding.",
         "RFC 9112 section 6.1"}},
    Row{Reason::transfer_encoding_in_http10,
        {"transfer_encoding_in_http10", 400, "An HTTP/1.0 message has a Transfer-Encoding.",
         "Use HTTP/1.1, or send Content-Length.", "RFC 9112 section 6.1"}},
    Row{Reason::bad_chunk_size,
        {"bad_chunk_size", 400, "A chunk size is not a plain hexadecimal number.",
         "Send hexadecimal digits only: no sign, no 0x, no underscore, no white space.",
         "RFC 9112 section 7.1"}},
    Row{Reason::chunk_size_overflow,
        {"chunk_size_overflow", 400, "A chunk size is too large.",
         "Send at most 16 digits and at most 2 to the power of 60 bytes a chunk.",
         "RFC 9112 section 7.1"}},
    Row{Reason::chunk_extension_too_long,
        {"chunk_extension_too_long", 400, "A chunk size line is longer than 1024 bytes.",
         "Leave chunk extensions out; they are dropped anyway.", "RFC 9112 section 7.1.1"}},
    Row{Reason::bad_chunk_line,
        {"bad_chunk_line", 400,
         "The chunk framing has a control byte, or a chunk does not end where its size says.",
         "Check that the size of each chunk is the number of its bytes, with CR LF behind them.",
         "RFC 9112 section 7.1"}},
    Row{Reason::framing_field_in_trailer,
        {"framing_field_in_trailer", 400,
         "A trailer carries a field that decides framing, routing, identity or content.",
         "Send such fields in the head.", "RFC 9110 section 6.5.1"}},
    Row{Reason::trailer_too_long,
        {"trailer_too_long", 400, "The trailers of a chunked body are longer than 16384 bytes.",
         "Send fewer or shorter trailers.", "RFC 9112 section 7.1.2"}},
    Row{Reason::head_too_long,
        {"head_too_long", 431, "The head of the request is longer than the limit.",
         "Send fewer or smaller fields (cookies often grow), or raise limits.header_bytes.",
         "RFC 6585 section 5"}},
    Row{Reason::too_many_fields,
        {"too_many_fields", 431,
         "The head has more fields, or more Connection options, than the "
         "limit.",
         "Send fewer fields, or raise limits.header_fields.", "RFC 6585 section 5"}},
    Row{Reason::request_line_too_long,
        {"request_line_too_long", 414, "The request line is longer than the limit.",
         "Send data in the body instead of the target, or raise limits.request_line_bytes.",
         "RFC 9110 section 15.5.15"}},
    Row{Reason::body_too_long,
        {"body_too_long", 413, "The body of the request is longer than the limit.",
         "Send less, or raise limits.body_bytes.", "RFC 9110 section 15.5.14"}},
    Row{Reason::bad_expect,
        {"bad_expect", 417, "The Expect field asks for something else than 100-continue.",
         "Leave the Expect field out, or send \"Expect: 100-continue\".",
         "RFC 9110 section 10.1.1"}},
    Row{Reason::bad_upgrade,
        {"bad_upgrade", 400, "The Upgrade field is not a list of protocol names.",
         "Send a value such as \"Upgrade: websocket\".", "RFC 9110 section 7.8"}},
    Row{Reason::connect_refused,
        {"connect_refused", 501, "The method CONNECT is not supported.",
         "Do not use this load balancer as a forward proxy: check the proxy settings of the "
         "client.",
         "RFC 9110 section 9.3.6"}},
    Row{Reason::bad_proxy_header,
        {"bad_proxy_header", 400, "The PROXY protocol header is missing or malformed.",
         "Let the sender in front speak the PROXY protocol, or take proxy_protocol off this "
         "listener.",
         ""}},
    Row{Reason::untrusted_proxy_header,
        {"untrusted_proxy_header", 400,
         "A PROXY protocol header came from an address that is not trusted.",
         "Add the sender's address to trusted_proxies if it is yours.", ""}},
    Row{Reason::header_timeout,
        {"header_timeout", 408, "The client did not send a whole request head in time.",
         "Send the head faster, or raise timeouts.header.", "RFC 9110 section 15.5.9"}},
    Row{Reason::body_timeout,
        {"body_timeout", 408, "The client stopped in the middle of the request's body.",
         "Send the body without long pauses, or raise timeouts.idle.", "RFC 9110 section 15.5.9"}},
    Row{Reason::body_too_slow,
        {"body_too_slow", 408, "The client sends the body slower than the minimum rate.",
         "Use a faster line, or lower timeouts.min_rate.", "RFC 9110 section 15.5.9"}},
    Row{Reason::client_closed,
        {"client_closed", 0, "The client closed the connection before the exchange ended.",
         "Nothing, when people press stop; else look at the time-outs of the client.", ""}},
    Row{Reason::no_service,
        {"no_service", 404, "No service or rule here is meant for this host and path.",
         "Check the host name and the path, or add a rule for them.", ""}},
    Row{Reason::no_server,
        {"no_server", 503, "No real server of the pool can take the request now.",
         "Look at the health checks of the pool, or add a fallback server.", ""}},
    Row{Reason::queue_full,
        {"queue_full", 503, "All real servers are at their limit and the queue is full.",
         "Add servers, or raise their max_connections, or limits.queue_length.", ""}},
    Row{Reason::queue_timeout,
        {"queue_timeout", 503, "All real servers were at their limit for too long.",
         "Add servers, or raise their max_connections, or timeouts.queue.", ""}},
    Row{Reason::draining,
        {"draining", 503, "This Poise is being stopped, and the request could not be ended.",
         "Try again when it runs anew; timeouts.drain is what running requests get.", ""}},
    Row{Reason::too_many_connections,
        {"too_many_connections", 0, "This node has as many client connections as it may have.",
         "Raise node.max_connections and the limit on open files, or lower the keep_alive and "
         "idle time-outs of the services.",
         ""}},
    Row{Reason::connect_failed,
        {"connect_failed", 502, "The real server refused the connection or could not be reached.",
         "Check that the server runs and listens on its port, and that no filter is between.", ""}},
    Row{Reason::connect_timeout,
        {"connect_timeout", 504, "The real server did not accept a connection in time.",
         "Check the load of the server and the way to it, or raise timeouts.connect.", ""}},
    Row{Reason::unresolved,
        {"unresolved", 502, "The name of the real server has no address.",
         "Check the name in the configuration and the DNS servers of this node.", ""}},
    Row{Reason::response_timeout,
        {"response_timeout", 504, "The real server did not answer in time.",
         "Look at the server's load, or raise timeouts.response of the service or rule.", ""}},
    Row{Reason::response_reset,
        {"response_reset", 502, "The real server closed the connection before it answered.",
         "Look at the server's log; its keep-alive time-out may be shorter than ours.", ""}},
    Row{Reason::response_cut,
        {"response_cut", 502, "The real server closed the connection in the middle of its answer.",
         "Look at the server's log for a crash or a limit.", ""}},
    Row{Reason::server_halted,
        {"server_halted", 503, "The real server was halted while it served the request.",
         "Drain a server instead of halting it when its requests are to end well.", ""}},
    Row{Reason::bad_response,
        {"bad_response", 502, "The real server's answer is not valid HTTP/1, or ambiguous.",
         "Mend the server: `poise why` names the byte. Check that its port speaks plain HTTP.",
         "RFC 9112 section 2.2"}},
    Row{Reason::response_head_too_long,
        {"response_head_too_long", 502, "The head of the real server's answer is too long.",
         "Let the server send fewer or smaller fields: at most 200, and 128 KiB in all.", ""}},
    Row{Reason::response_idle,
        {"response_idle", 504, "The real server stopped in the middle of its answer.",
         "Look at the server's load, or raise timeouts.idle, for an upgraded connection "
         "timeouts.tunnel.",
         ""}},
    Row{Reason::upstream_send_failed,
        {"upstream_send_failed", 502, "The real server did not take the whole request.",
         "Look at the server's log; it may limit the size of bodies.", ""}},
};

constexpr bool complete() {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& facts = rows[i].facts;
        if (rows[i].reason != static_cast<Reason>(i)) return false;
        if (facts.id.empty() || facts.text.empty() || facts.cure.empty()) return false;
        if (facts.status != 0 && (facts.status < 400 || facts.status > 599)) return false;
    }
    return true;
}

static_assert(rows.size() == reasons_n, "each reason needs a row");
static_assert(complete(), "the rows stand in the order of the enum and are filled in");

}  // namespace

const ReasonFacts& facts(Reason reason) {
    const auto index = static_cast<std::size_t>(reason);
    assert(index < rows.size());
    return rows[index].facts;
}

}  // namespace poise::proxy
