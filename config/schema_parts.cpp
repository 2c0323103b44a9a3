#include "config/schema_parts.hpp"

#include "config/bind.hpp"
#include "config/text_form.hpp"

namespace poise::config {

using namespace std::chrono_literals;
using bind::at;
using bind::boolean;
using bind::duration;
using bind::DurationRange;
using bind::integer;
using bind::integer_list;
using bind::later;
using bind::optional_integer;
using bind::row;
using bind::size;
using bind::text;
using bind::word;

namespace {

constexpr std::int64_t connections_max = 10'000'000;
constexpr DurationRange wait{1ms, 365 * 24h, true};

}  // namespace

Mapping timeouts_mapping() {
    using T = Timeouts;
    constexpr DurationRange phase{1ms, 24h};
    auto idle = duration("idle", &T::idle, wait, "No byte of a body moved in either direction.");
    idle.help += fmt::format(
        " `protocol: tcp` starts from {} instead, `rdp` from {}. "
        "`udp`: no datagram moved; the session ends.",
        format_duration(tcp_idle_default), format_duration(rdp_idle_default));
    auto handshake = duration("handshake", &T::handshake, phase,
                              "TLS handshake, PROXY header, first packet of a client.");
    handshake.help += fmt::format(" `protocol: rdp` starts from {} instead.",
                                  format_duration(rdp_handshake_default));
    return {"timeouts",
            "Every wait has a limit. Limits on idleness start again with each byte that moves; "
            "none of them bounds a whole transfer. `unlimited` stands for 365 days.",
            {duration("connect", &T::connect, phase, "TCP connect to a server."),
             duration("header", &T::header, phase,
                      "A client's whole request head; then it is answered 408."),
             std::move(handshake), std::move(idle),
             duration("keep_alive", &T::keep_alive, wait,
                      "A client's connection between two requests."),
             duration("response", &T::response, wait,
                      "From the request's last byte to the response's head; then 504."),
             duration("tunnel", &T::tunnel, wait,
                      "No byte moved on an upgraded connection (WebSocket)."),
             duration("queue", &T::queue, wait,
                      "Waiting for a server below its `max_connections`; then 503."),
             duration("drain", &T::drain, {0ms, 365 * 24h, true},
                      "How long a stop or a removal waits for running sessions."),
             size("min_rate", &T::min_rate, {0, 1LL << 40},
                  "Bytes per second that a request's body must keep; `0` asks for none.")},
            ""};
}

Mapping limits_mapping() {
    using T = Limits;
    return {"limits",
            "What a client may send before it is refused.",
            {size("header_bytes", &T::header_bytes, {1'024, 256 << 10},
                  "The whole request head; over it 431. Kerberos tickets are large."),
             integer("header_fields", &T::header_fields, {1, 10'000},
                     "Fields in the head; over it 431."),
             size("request_line_bytes", &T::request_line_bytes, {64, 256 << 10},
                  "The request line; over it 414."),
             size("body_bytes", &T::body_bytes, {0, 1LL << 50, "unlimited"},
                  "The request body; over it 413."),
             integer("queue_length", &T::queue_length, {0, 1'000'000},
                     "Requests that may wait for a server at once; over it 503."),
             integer("udp_sessions", &T::udp_sessions, {1, 1'000'000},
                     "`udp`: clients at once, each with a socket of its own towards its server; "
                     "the datagrams of further ones are dropped.")},
            ""};
}

Mapping health_mapping() {
    using T = HealthCheck;
    constexpr DurationRange pace{10ms, 24h};
    auto port = optional_integer("port", &T::port, {1, 65'535}, "Probe this port instead.");
    port.help += " Without it the server's own.";
    return {
        "health",
        "How a server is found to be up or down. `health: tcp` is short for "
        "`health: {check: tcp}`.",
        {word("check", &T::check, check_words,
              "The kind of probe. A service with `protocol: udp` starts from `none`; its servers "
              "can be asked by `dns` or `script`, or over TCP on another `port`. `http` speaks TLS "
              "with servers that have `tls`, and verifies them as `server_tls` says, unless "
              "`port` is given."),
         duration("interval", &T::interval, pace, "Between two probes."),
         duration("timeout", &T::timeout, pace, "Until an unanswered probe counts as failed."),
         integer("fall", &T::fall, {1, 100}, "Failures in a row until the server is down."),
         integer("rise", &T::rise, {1, 100}, "Successes in a row until it is up again."),
         std::move(port), text("path", &T::path, check_request_path, "`http`: the path asked for."),
         text("host", &T::host, check_host,
              "`http`: the Host header; `tls`: the server name. Empty: the server's address."),
         text("method", &T::method, check_token, "`http`: the request's method."),
         integer_list("expect", &T::expect, {100, 599},
                      "`http`: the status codes that count as success."),
         text("body", &T::body, check_body,
              "`http`: a text that the answer's body must contain. Empty: any body."),
         text("query", &T::query, check_host, "`dns`: the name asked for."),
         text("script", &T::script, check_line,
              "`script`: the program to run, relative to the file's folder. It gets the "
              "service's address and port and the server's address and port; exit status 0 "
              "is success."),
         boolean("passive", &T::passive,
                 "Failures of real traffic count too: failed connects take a server down at once, "
                 "failed answers have it checked out of turn, and the check decides. With `check: "
                 "none` both take it down."),
         integer("passive_fall", &T::passive_fall, {1, 1'000},
                 "Such failures in a row until they count. Failed connects never take the last "
                 "server that serves down while its check passes.")},
        "check"};
}

Mapping agent_mapping() {
    using T = Agent;
    return {"agent",
            "The real-server agent: each server reports its own load on a TCP port. "
            "`agent: 3333` is short for `agent: {port: 3333}`.",
            {integer("port", &T::port, {1, 65'535}, "The port that the agent listens on."),
             duration("interval", &T::interval, {100ms, 24h}, "Between two questions."),
             duration("timeout", &T::timeout, {10ms, 24h},
                      "Until an unanswered question counts as failed.")},
            "port"};
}

Mapping persistence_mapping() {
    using T = Persistence;
    auto timeout = duration("timeout", &T::timeout, {1s, 365 * 24h, true}, "Since the last use.");
    timeout.help += fmt::format(" Method `rdp` starts from {} instead.",
                                format_duration(rdp_persistence_default));
    return {
        "persistence",
        "Keeps a client on its server. `persistence: cookie` is short for "
        "`persistence: {method: cookie}`.",
        {word("method", &T::method, persistence_words,
              "By what a client is known again. `cookie` and `header` need `protocol: http`, and "
              "`rdp` needs `protocol: rdp`, which starts from it: a routing token of a "
              "connection broker (`msts=`) names the server, if it is in the pool and up; else "
              "the user (`mstshash=`) is remembered."),
         text("name", &T::name, check_token,
              "The name of the cookie or of the header. A service that rules of another use "
              "has `POISE-` and its own name."),
         boolean("http_only", &T::http_only,
                 "`cookie`: scripts of the page cannot read it (`HttpOnly`)."),
         std::move(timeout),
         integer("mask", &T::mask, {1, 32},
                 "`source`: this many leading bits of an IPv4 address count."),
         integer("mask6", &T::mask6, {1, 128}, "`source`: the same for IPv6."),
         integer(
             "entries", &T::entries, {1, 100'000'000},
             "`source`, `header`, `rdp`: clients remembered; the least recently used go first.")},
        "method"};
}

Mapping server_mapping() {
    using T = Server;
    Key address = row("address", Type::text, "An address or a DNS name, and the port.");
    address.form = "host:port";
    address.required = true;
    address.parse = [](void* target, std::string_view,
                       std::string_view given) -> std::optional<Problem> {
        auto endpoint = parse_endpoint(given);
        if (!endpoint) return endpoint.error();
        Server& server = at<Server>(target);
        server.host = std::move(endpoint->host);
        server.port = endpoint->port;
        server.address = endpoint->address;
        return std::nullopt;
    };
    address.print = [](const void* target) {
        const Server& server = at<Server>(target);
        return std::vector{format_endpoint(server.host, server.port)};
    };
    return {"server",
            "A real server. A text alone is its address.",
            {text("name", &T::name, check_server_name,
                  "Unique in the service. Without it the server is named after its address."),
             std::move(address),
             integer("weight", &T::weight, {0, 256},
                     "Its share against the other servers; 0 takes no new clients."),
             integer("max_connections", &T::max_connections, {0, connections_max, "unlimited"},
                     "Connections at once; further requests wait in the queue, further "
                     "datagrams are dropped."),
             boolean("backup", &T::backup, "Used only when no other server is up."),
             boolean("tls", &T::tls, "Speak TLS to this server, as `server_tls` says."),
             boolean("http2", &T::http2,
                     "Speak HTTP/2 to this server, as gRPC needs it: many requests share a "
                     "connection.")},
            "address"};
}

}  // namespace poise::config
