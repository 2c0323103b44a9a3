// The routes: from a request to a plan.
#include "bench/origin/reply.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace poise::origin {

namespace {

using std::chrono::milliseconds;

/// "64k" is 65536. Empty when `text` is no number.
std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{}) return std::nullopt;
    const std::string_view unit(parsed.ptr, text.data() + text.size());
    if (value > (1ULL << 40)) return std::nullopt;  // 1 TiB is more than any test sends
    if (unit.empty()) return value;
    if (unit == "k") return value << 10;
    if (unit == "m") return value << 20;
    if (unit == "g") return value << 30;
    return std::nullopt;
}

/// The first words of a path: "/slow/1k/16" is {"slow", "1k", "16", ""}.
std::array<std::string_view, 4> path_words(std::string_view target) {
    std::array<std::string_view, 4> words;
    std::string_view rest = target.substr(0, target.find('?'));
    for (std::string_view& word : words) {
        if (rest.starts_with('/')) rest.remove_prefix(1);
        word = rest.substr(0, rest.find('/'));
        rest.remove_prefix(word.size());
    }
    return words;
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char byte : text) {
        const auto code = static_cast<unsigned char>(byte);
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += byte;
        } else if (code < 0x20 || code > 0x7e) {
            out += fmt::format("\\u{:04x}", code);
        } else {
            out += byte;
        }
    }
    return out + "\"";
}

std::string request_as_json(const Request& request, const BodyReader& body,
                            const std::string& name) {
    std::string out = fmt::format(
        R"({{"origin":{},"method":{},"target":{},"body_bytes":{},"fields":[)", json_text(name),
        json_text(request.method), json_text(request.target), body.bytes());
    bool first = true;
    for (const auto& [field, value] : request.fields) {
        out += fmt::format("{}[{},{}]", first ? "" : ",", json_text(field), json_text(value));
        first = false;
    }
    return out + "]}\n";
}

/// Routes whose answer breaks off: a length is announced and half of it comes.
Reply broken_reply(std::string_view route, std::string_view size) {
    Reply reply;
    reply.cut_after = parse_size(size).value_or(64 * 1024);
    reply.bytes = *reply.cut_after * 2;
    reply.shape = route.ends_with("-chunked") ? Shape::chunked : Shape::pattern;
    reply.reset = route.starts_with("reset");
    return reply;
}

Reply sized_reply(std::string_view route, const std::array<std::string_view, 4>& words,
                  std::uint64_t bytes) {
    Reply reply;
    reply.bytes = bytes;
    reply.shape = route == "chunked" ? Shape::chunked : Shape::pattern;
    if (route == "slow") reply.pause = milliseconds(100);
    reply.piece_bytes = parse_size(words[2]).value_or(route == "slow" ? 1024 : 16 * 1024);
    if (reply.piece_bytes == 0) reply.piece_bytes = 1;
    if (const auto pause = parse_size(words[3])) reply.pause = milliseconds(*pause);
    return reply;
}

Reply text_reply(int status, std::string text) {
    Reply reply;
    reply.status = status;
    reply.text = std::move(text);
    return reply;
}

std::optional<Reply> special_reply(std::string_view route, std::string_view value,
                                   const std::string& name) {
    if (route.starts_with("reset-midway") || route.starts_with("cut-midway")) {
        return broken_reply(route, value);
    }
    Reply reply = text_reply(200, name + "\n");
    if (route == "never") {
        reply.never = true;
    } else if (route == "delay") {
        reply.delay = milliseconds(parse_size(value).value_or(100));
    } else if (route == "status") {
        reply.status = static_cast<int>(parse_size(value).value_or(500) % 1000);
    } else if (route == "early-hints") {
        reply.interim = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    } else if (route == "trailers") {
        reply.shape = Shape::chunked;
        reply.bytes = 32;
        reply.trailers = true;
        reply.fields = "Trailer: X-Sum\r\n";
    } else if (route != "name" && !route.empty()) {
        return std::nullopt;
    }
    return reply;
}

}  // namespace

Reply plan_reply(const Request& request, const BodyReader& body, const std::string& name,
                 const Counters& counters) {
    const auto words = path_words(request.target);
    const std::string_view route = words[0];
    const bool sized = route == "bytes" || route == "chunked" || route == "slow";
    if (const auto bytes = parse_size(sized ? words[1] : route)) {
        return sized_reply(route, words, *bytes);
    }
    if (route == "ws" && !request.upgrade.empty()) {
        Reply reply;
        reply.status = 101;
        reply.upgrade = true;
        reply.fields = fmt::format("Connection: Upgrade\r\nUpgrade: {}\r\n", request.upgrade);
        return reply;
    }
    if (route == "headers") return text_reply(200, request_as_json(request, body, name));
    if (route == "echo") {
        return text_reply(
            200, fmt::format("{{\"length\":{},\"fnv\":\"{:016x}\"}}\n", body.bytes(), body.hash()));
    }
    if (route == "stats") {
        return text_reply(200, fmt::format("{{\"requests\":{},\"connections\":{},\"open\":{}}}\n",
                                           counters.requests, counters.connections, counters.open));
    }
    if (auto reply = special_reply(route, words[1], name)) return *reply;
    return text_reply(404, "no such route\n");
}

std::string reply_head(const Reply& reply, const std::string& name, bool keep_alive) {
    std::string out =
        fmt::format("HTTP/1.1 {} X\r\nX-Origin: {}\r\n{}", reply.status, name, reply.fields);
    if (reply.upgrade) return out + "\r\n";
    const bool bodiless = reply.status == 204 || reply.status == 304 || reply.status < 200;
    if (reply.shape == Shape::chunked) {
        out += "Transfer-Encoding: chunked\r\n";
    } else if (!bodiless) {
        const std::uint64_t length = reply.shape == Shape::text ? reply.text.size() : reply.bytes;
        out += fmt::format("Content-Length: {}\r\n", length);
    }
    out += "Content-Type: text/plain\r\n";
    if (!keep_alive) out += "Connection: close\r\n";
    return out + "\r\n";
}

}  // namespace poise::origin
