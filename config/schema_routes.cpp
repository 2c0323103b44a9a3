// The tables of what leads to a service and away from it: listeners, rules, the fallback.
#include "config/bind.hpp"
#include "config/schema_parts.hpp"
#include "config/text_form.hpp"

#include <utility>

namespace poise::config {

using bind::at;
using bind::boolean;
using bind::integer;
using bind::optional_part;
using bind::part;
using bind::range_list;
using bind::row;
using bind::text;
using bind::text_list;
using bind::word_list;

namespace {

Key header_matches() {
    Key key = row("header", Type::text,
                  "Header fields and their values; a field without a value must be present.");
    key.shape = Shape::named;
    key.parse = [](void* target, std::string_view name,
                   std::string_view value) -> std::optional<Problem> {
        if (auto problem = check_token(name)) return problem;
        if (auto problem = check_line(value)) return problem;
        at<Match>(target).header.emplace_back(name, value);
        return std::nullopt;
    };
    key.clear = [](void* target) { at<Match>(target).header.clear(); };
    key.print = [](const void* target) {
        std::vector<std::string> values;
        for (const auto& [name, value] : at<Match>(target).header) {
            values.push_back(name);
            values.push_back(value);
        }
        return values;
    };
    return key;
}

Key fallback_server() {
    Key key = row("server", Type::text, "A server outside of the pool.");
    key.form = "host:port";
    key.parse = [](void* target, std::string_view,
                   std::string_view given) -> std::optional<Problem> {
        auto endpoint = parse_endpoint(given);
        if (!endpoint) return endpoint.error();
        Server server;
        server.name = format_endpoint(endpoint->host, endpoint->port);
        server.host = std::move(endpoint->host);
        server.port = endpoint->port;
        server.address = endpoint->address;
        at<Fallback>(target).server = std::move(server);
        return std::nullopt;
    };
    key.print = [](const void* target) -> std::vector<std::string> {
        const Fallback& fallback = at<Fallback>(target);
        if (!fallback.server) return {};
        return {format_endpoint(fallback.server->host, fallback.server->port)};
    };
    return key;
}

// `key` printed only while `holds` for the fallback: what would contradict the rest stays out
// of the effective output.
Key printed_when(Key key, bool (*holds)(const Fallback&)) {
    key.print = [print = std::move(key.print), holds](const void* target) {
        return holds(at<Fallback>(target)) ? print(target) : std::vector<std::string>{};
    };
    return key;
}

}  // namespace

Mapping listen_mapping() {
    using T = Listen;
    Key address = row("address", Type::text,
                      "Where clients connect. `:80` is every address of the machine, IPv6 and "
                      "IPv4; `0.0.0.0:80` is IPv4 alone. Modes `nat` and `dr` take one address, "
                      "and also a range of its ports: `10.0.0.100:5000-5100`.");
    address.form = "address:port";
    address.required = true;
    address.parse = [](void* target, std::string_view,
                       std::string_view given) -> std::optional<Problem> {
        const auto parsed = parse_listen_ports(given);
        if (!parsed) return parsed.error();
        at<Listen>(target).address = parsed->address;
        at<Listen>(target).port_last = parsed->last;
        return std::nullopt;
    };
    address.print = [](const void* target) {
        const Listen& listen = at<Listen>(target);
        const std::string range = listen.port_last == 0 ? "" : fmt::format("-{}", listen.port_last);
        return std::vector{to_string(listen.address) + range};
    };
    Key alpn = word_list("alpn", &T::alpn, alpn_words,
                         "The versions of HTTP, the preferred one first. With `h2` a client may "
                         "speak HTTP/2 at once, which is what gRPC does without TLS.");
    return {"listen",
            "A listener. A text alone is its address.",
            {std::move(address),
             boolean("proxy_protocol", &T::proxy_protocol,
                     "A PROXY header, version 1 or 2, must come first and names the client."),
             part("tls", &T::tls, listen_tls_mapping(), "Speak TLS here."), std::move(alpn)},
            "address"};
}

Mapping match_mapping() {
    using T = Match;
    return {"match",
            "What a rule asks of a request, or of a connection with `protocol: tcp`, where only "
            "`sni` and `source` can be asked for. All that is given must hold; a list holds when "
            "one of its items does; what is left out holds always.",
            {text_list("host", &T::host, check_host_pattern,
                       "The Host without its port, exact or `*.example.com`."),
             text_list("path", &T::path, check_rule_path, "The exact path."),
             text_list("path_prefix", &T::path_prefix, check_rule_path,
                       "How the path begins. To choose servers, not to protect them: a server may "
                       "read `//admin` or `/admin;x` as `/admin`."),
             boolean("ignore_case", &T::ignore_case,
                     "Upper and lower case of `path` and `path_prefix` are the same, as they are "
                     "to IIS."),
             text_list("method", &T::method, check_token, "The request's method."),
             header_matches(), range_list("source", &T::source, "The client's address."),
             text_list("sni", &T::sni, check_host_pattern,
                       "`protocol: tcp`: the server name that a TLS client asks for in its first "
                       "packet, exact or `*.example.com`. TLS is passed on, not ended.")},
            ""};
}

Mapping rule_mapping() {
    using T = Rule;
    Key use = text("use", &T::use, check_name,
                   "The service whose servers take it. Without it they are this service's own: "
                   "then the rule only changes the limits.");
    use.default_values.clear();
    use.print = [](const void* target) -> std::vector<std::string> {
        const std::string& name = at<Rule>(target).use;
        if (name.empty()) return {};
        return {name};
    };
    return {"rule",
            "Sends some requests, or TCP connections, to another service's servers. The first rule "
            "that matches wins; without a match the service's own servers answer. A rule that asks "
            "for `sni` makes a connection wait for its first packet, at most "
            "`timeouts.handshake`; one that is no TLS or names no server matches no such rule.",
            {part("match", &T::match, match_mapping(),
                  "Which requests or connections; without it all."),
             std::move(use),
             optional_part("timeouts", &T::timeouts, timeouts_mapping(),
                           "Limits of the service that differ for these.")},
            ""};
}

Mapping fallback_mapping() {
    using T = Fallback;
    const auto answers = [](const Fallback& f) { return !f.server.has_value(); };
    const auto has_inline_body = [](const Fallback& f) {
        return !f.server && f.body_file.empty() && !f.body.empty();
    };
    const auto has_file = [](const Fallback& f) { return !f.body_file.empty(); };
    return {
        "fallback",
        "The last resort when no server is up: another server, or an answer. "
        "`fallback: 10.0.0.99:80` is short for `fallback: {server: 10.0.0.99:80}`.",
        {fallback_server(),
         printed_when(integer("status", &T::status, {200, 599}, "The answer's status code."),
                      answers),
         printed_when(text("body", &T::body, check_body, "The answer's body."), has_inline_body),
         printed_when(text("body_file", &T::body_file, check_line,
                           "A file with the answer's body, relative to the configuration's "
                           "folder; at most 256 KiB."),
                      has_file)},
        "server"};
}

}  // namespace poise::config
