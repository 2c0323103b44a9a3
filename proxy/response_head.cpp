// Parses response heads.
#include "proxy/head.hpp"
#include "proxy/head_bytes.hpp"
#include "proxy/head_fields.hpp"
#include "proxy/head_framing.hpp"
#include "proxy/head_plain.hpp"
#include "proxy/head_second_reader.hpp"

namespace poise::proxy {

namespace {

/// Reads "HTTP/1.1 200 OK" CR LF; the phrase, and the space before it, may be missing, as many
/// servers leave them out. `next` is behind the line.
Reading read_status_line(std::string_view head, ResponseHead& out) {
    constexpr std::string_view version = "HTTP/1.";
    constexpr std::size_t minor_at = version.size();
    constexpr std::size_t status_at = minor_at + 2;
    constexpr std::size_t status_end = status_at + 3;
    const auto refused = [](std::size_t at) { return Reading{at, {Reason::bad_response, at}}; };

    if (!head.starts_with(version)) return refused(0);
    if (head.size() < status_end + 2) return refused(head.size());
    if (head[minor_at] != '0' && head[minor_at] != '1') return refused(minor_at);
    if (head[minor_at + 1] != ' ') return refused(minor_at + 1);
    for (std::size_t at = status_at; at < status_end; ++at) {
        if (!is_digit(head[at])) return refused(at);
        out.status = out.status * 10 + (head[at] - '0');
    }
    if (out.status < 100 || out.status > 599) return refused(status_at);
    out.minor = head[minor_at] - '0';

    std::size_t at = status_end;
    if (head[at] == ' ')
        ++at;
    else if (head[at] != '\r')
        return refused(at);
    const std::size_t end = find_control(head, at);
    if (end + 1 >= head.size() || head[end] != '\r' || head[end + 1] != '\n') return refused(end);
    out.reason_phrase = head.substr(at, end - at);
    return {end + 2, {}};
}

/// RFC 9112 section 6.3: some responses have no body whatever their fields say.
bool never_has_body(int status, bool request_is_head) {
    return request_is_head || status < 200 || status == 204 || status == 304;
}

Refusal parse(std::string_view bytes, const HeadLimits& limits, bool request_is_head,
              ResponseHead& out) {
    out.clear();
    const Reading line = read_status_line(bytes, out);
    if (line.refusal.reason != Reason::none) return line.refusal;
    const Reading section = read_fields(bytes, line.next, limits.fields, out.fields);
    if (section.refusal.reason != Reason::none) return section.refusal;
    const auto head = bytes.substr(0, section.next);

    HeadFacts facts;
    BodyFraming framing;
    Refusal refusal = gather(head, out.fields, facts);
    if (refusal.reason == Reason::none) refusal = decide_framing(head, out.minor, facts, framing);
    if (refusal.reason == Reason::none) {
        const FirstReading first{head, {}, {}, out.fields, framing};
        if (!is_plain(first)) refusal = ask_second_reader(first);
    }
    if (refusal.reason != Reason::none) return refusal;

    const bool declares_body = framing.framing == Framing::chunked || framing.content_length > 0;
    out.keep_alive = stays_open(out.minor, facts);
    if (never_has_body(out.status, request_is_head)) {
        // A 1xx or 204 that declares a body all the same may be followed by one: whatever comes
        // next on that connection must not be taken for the next answer.
        if (declares_body && (out.status < 200 || out.status == 204)) out.keep_alive = false;
        return {};
    }
    if (framing.framing == Framing::none) {
        out.framing = Framing::until_close;
        out.keep_alive = false;
        return {};
    }
    out.framing = framing.framing;
    out.content_length = framing.content_length;
    return {};
}

}  // namespace

std::optional<Refusal> parse_response_head(std::string_view bytes, const HeadLimits& limits,
                                           bool request_is_head, ResponseHead& out) {
    const Refusal refusal = parse(bytes, limits, request_is_head, out);
    if (refusal.reason == Reason::none) return std::nullopt;
    // The client cannot mend it: for him each way is the same, and the offset is for the log.
    return Refusal{Reason::bad_response, refusal.offset};
}

}  // namespace poise::proxy
