#include "pool/http_response.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>

namespace poise::pool {

namespace {

constexpr std::string_view line_end = "\r\n";

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// The value of the first field of that name, "" without one.
std::string_view field(std::string_view head, std::string_view name) {
    for (auto at = head.find(line_end); at != std::string_view::npos;) {
        at += line_end.size();
        const auto next = head.find(line_end, at);
        const auto line = head.substr(at, next == std::string_view::npos ? next : next - at);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos && same_word(line.substr(0, colon), name)) {
            const auto value = line.substr(colon + 1);
            const auto first = std::min(value.find_first_not_of(" \t"), value.size());
            return value.substr(first);
        }
        at = next;
    }
    return {};
}

// "HTTP/1.1 200 OK": the code, or 0 when the line is none.
int status_of(std::string_view head) {
    constexpr std::size_t code_at = 9;
    if (!head.starts_with("HTTP/1.") || head.size() < code_at + 3 || head[code_at - 1] != ' ')
        return 0;
    int status = 0;
    const char* begin = head.data() + code_at;
    const auto [end, error] = std::from_chars(begin, begin + 3, status);
    return error == std::errc() && end == begin + 3 && status >= 100 ? status : 0;
}

// RFC 9112, 7.1. Stops quietly at what is incomplete or wrong: then the text is not found.
void read_chunks(std::string_view raw, HttpResponse& into) {
    for (;;) {
        std::size_t size = 0;
        const auto end = raw.find(line_end);
        if (end == std::string_view::npos) return;
        const auto parsed = std::from_chars(raw.data(), raw.data() + end, size, 16);
        if (parsed.ec != std::errc()) return;
        raw.remove_prefix(end + line_end.size());
        if (size == 0) {
            into.complete = true;
            return;
        }
        into.body += raw.substr(0, size);
        if (size > raw.size() || raw.size() - size < line_end.size()) return;
        raw.remove_prefix(size + line_end.size());
    }
}

}  // namespace

std::optional<HttpResponse> read_http_response(std::string_view received) {
    constexpr std::string_view head_end = "\r\n\r\n";
    for (;;) {
        // What is no HTTP must not be waited for until it ends a head.
        constexpr std::string_view start = "HTTP/1.";
        if (!received.starts_with(start.substr(0, received.size()))) return HttpResponse{};
        const auto end = received.find(head_end);
        if (end == std::string_view::npos) return std::nullopt;
        const auto head = received.substr(0, end);
        received.remove_prefix(end + head_end.size());

        HttpResponse response{.status = status_of(head)};
        if (response.status >= 100 && response.status < 200) continue;
        if (same_word(field(head, "transfer-encoding"), "chunked")) {
            read_chunks(received, response);
            return response;
        }
        response.body = received;
        std::size_t length = 0;
        const auto text = field(head, "content-length");
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
        response.complete = parsed.ec == std::errc() && received.size() >= length;
        return response;
    }
}

}  // namespace poise::pool
