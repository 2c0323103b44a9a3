#include "proxy/proxy_header.hpp"

#include "proxy/proxy_header_parts.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace poise::proxy {

namespace {

using State = ProxyHeader::State;

constexpr std::string_view v1_start = "PROXY ";

ProxyHeader error(std::size_t offset, std::string_view what) {
    ProxyHeader header;
    header.state = State::error;
    header.offset = offset;
    header.what = what;
    return header;
}

ProxyHeader done_local(std::uint8_t version, std::size_t consumed) {
    ProxyHeader header;
    header.state = State::done;
    header.local = true;
    header.version = version;
    header.consumed = consumed;
    return header;
}

// A decimal port without sign and leading zeros.
std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0'))
        return std::nullopt;
    std::uint32_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc{} || end != text.data() + text.size() || port > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(port);
}

// The address text "::ffff:1.2.3.4" means the same as "1.2.3.4", but each belongs to one family.
std::optional<Address> parse_ip_of(std::string_view text, bool v4) {
    const bool looks_v4 = text.find(':') == text.npos;
    return looks_v4 == v4 ? parse_ip(text) : std::nullopt;
}

// The words of a line, cut at single spaces: an empty word is an error of the line.
struct Words {
    std::string_view line;
    std::size_t at = 0;     // behind the last word and its space
    std::size_t start = 0;  // of the last word

    std::string_view next() {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        const std::string_view word = line.substr(at, end - at);
        start = at;
        at = std::min(end + 1, line.size());
        return word;
    }
};

// `line` is without its CRLF.
ProxyHeader parse_v1_line(std::string_view line) {
    const std::size_t consumed = line.size() + 2;
    Words words{line, v1_start.size()};
    const std::string_view family = words.next();
    if (family == "UNKNOWN") return done_local(1, consumed);
    if (family != "TCP4" && family != "TCP6")
        return error(words.start, "The family is neither TCP4, TCP6 nor UNKNOWN.");

    ProxyHeader header;
    for (Address* address : {&header.source, &header.destination}) {
        const auto ip = parse_ip_of(words.next(), family == "TCP4");
        if (!ip) return error(words.start, "An address of the line is not one of its family.");
        *address = *ip;
    }
    for (Address* address : {&header.source, &header.destination}) {
        const auto port = parse_port(words.next());
        if (!port) return error(words.start, "A port of the line is not a number up to 65535.");
        address->port = *port;
    }
    if (words.at != line.size() || line.ends_with(' '))
        return error(words.at, "The line goes on behind the ports.");
    header.state = State::done;
    header.version = 1;
    header.consumed = consumed;
    return header;
}

ProxyHeader parse_v1(std::string_view bytes) {
    const std::string_view window = bytes.substr(0, proxy_v1_bytes_max);
    const std::size_t end = window.find_first_of("\r\n");
    if (end == window.npos || (window[end] == '\r' && end + 1 == window.size())) {
        if (window.size() < proxy_v1_bytes_max) return {};
        return error(window.size(), "The line has more than 107 bytes.");
    }
    if (window[end] == '\n') return error(end, "The line ends with LF alone.");
    if (window[end + 1] != '\n') return error(end, "A CR stands in the line.");
    return parse_v1_line(window.substr(0, end));
}

bool is_start_of(std::string_view bytes, std::string_view whole) {
    return bytes.substr(0, whole.size()) == whole.substr(0, bytes.size());
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
    if (bytes.empty()) return {};
    const std::string_view expected = bytes.front() == 'P' ? v1_start : proxy_v2_signature;
    if (!is_start_of(bytes, expected)) {
        const auto difference = std::ranges::mismatch(bytes, expected).in1 - bytes.begin();
        return error(static_cast<std::size_t>(difference), "The bytes are no PROXY header.");
    }
    if (bytes.size() < expected.size()) return {};
    return bytes.front() == 'P' ? parse_v1(bytes) : parse_proxy_header_v2(bytes);
}

}  // namespace poise::proxy
