// A request head, strictly read: CRLF only, one Content-Length or chunked, nothing in between.
#include "bench/origin/request.hpp"

#include <charconv>

namespace poise::origin {

namespace {

char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

bool has_token(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (same_word(trimmed(list.substr(0, comma)), token)) return true;
        if (comma == std::string_view::npos) return false;
        list.remove_prefix(comma + 1);
    }
    return false;
}

bool parse_request_line(std::string_view line, Request& request) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == 0 || last <= first + 1) return false;
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, last - first - 1);
    if (request.target.find(' ') != std::string_view::npos) return false;
    const std::string_view version = line.substr(last + 1);
    request.http11 = version == "HTTP/1.1";
    request.keep_alive = request.http11;
    return request.http11 || version == "HTTP/1.0";
}

bool take_meaning(std::string_view name, std::string_view value, Request& request,
                  bool& has_length) {
    if (same_word(name, "content-length")) {
        if (has_length) return false;
        has_length = true;
        const char* end = value.data() + value.size();
        const auto parsed = std::from_chars(value.data(), end, request.content_length);
        return parsed.ec == std::errc{} && parsed.ptr == end;
    }
    if (same_word(name, "transfer-encoding")) {
        request.chunked = same_word(value, "chunked");
        return request.chunked;
    }
    if (same_word(name, "connection")) {
        if (has_token(value, "close")) request.keep_alive = false;
        if (has_token(value, "keep-alive") && !request.http11) request.keep_alive = true;
    }
    if (same_word(name, "expect")) request.expects_continue = same_word(value, "100-continue");
    if (same_word(name, "upgrade")) request.upgrade = value;
    return true;
}

}  // namespace

bool same_word(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (lower(left[i]) != lower(right[i])) return false;
    }
    return true;
}

HeadResult parse_head(std::string_view input, Request& request, std::size_t& head_bytes) {
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        return input.size() < head_bytes_max ? HeadResult::incomplete : HeadResult::bad;
    }
    head_bytes = end + 4;
    std::string_view rest = input.substr(0, end + 2);
    std::size_t line_end = rest.find("\r\n");
    if (!parse_request_line(rest.substr(0, line_end), request)) return HeadResult::bad;
    rest.remove_prefix(line_end + 2);
    bool has_length = false;
    while (!rest.empty()) {
        line_end = rest.find("\r\n");
        const std::string_view line = rest.substr(0, line_end);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return HeadResult::bad;
        if (request.fields.size() == fields_max) return HeadResult::bad;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (name.find_first_of(" \t\n\r") != std::string_view::npos) return HeadResult::bad;
        if (!take_meaning(name, value, request, has_length)) return HeadResult::bad;
        request.fields.emplace_back(name, value);
        rest.remove_prefix(line_end + 2);
    }
    return request.chunked && has_length ? HeadResult::bad : HeadResult::complete;
}

}  // namespace poise::origin
