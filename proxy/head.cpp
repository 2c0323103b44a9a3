// Finds the end of a head and parses request heads.
#include "proxy/head.hpp"

#include "proxy/head_bytes.hpp"
#include "proxy/head_fields.hpp"
#include "proxy/head_framing.hpp"
#include "proxy/head_plain.hpp"
#include "proxy/head_second_reader.hpp"
#include "proxy/head_target.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace poise::proxy {

namespace {

bool is_idempotent(std::string_view method) {
    constexpr std::array<std::string_view, 6> methods = {"GET",    "HEAD",    "PUT",
                                                         "DELETE", "OPTIONS", "TRACE"};
    return std::ranges::find(methods, method) != methods.end();
}

Refusal read_version(std::string_view version, std::size_t at, RequestHead& out) {
    if (version == "HTTP/1.1" || version == "HTTP/1.0") {
        out.minor = version.back() - '0';
        return {};
    }
    const bool named = version.starts_with("HTTP/") && version.find(' ') == version.npos;
    return {named ? Reason::bad_version : Reason::bad_request_line, at};
}

/// Reads method, target and version; `next` is behind the line.
Reading read_request_line(std::string_view head, std::size_t bytes_max, RequestHead& out) {
    const auto lf = head.substr(0, bytes_max + 2).find('\n');
    if (lf == head.npos) {
        if (head.size() > bytes_max) return {0, {Reason::request_line_too_long, bytes_max}};
        return {0, {Reason::bad_request_line, head.size()}};
    }
    std::size_t at = 0;
    while (in(token_bytes, head[at]))
        ++at;  // stops at the LF at the latest
    if (at == 0 && (head[at] == '\r' || head[at] == ' ')) {
        return {0, line_break_refusal(head, at, Reason::bad_request_line)};
    }
    if (head[at] != ' ') {
        const bool ended = head[at] == '\r' || head[at] == '\n';
        return {
            0, line_break_refusal(head, at, ended ? Reason::bad_request_line : Reason::bad_method)};
    }
    out.method = head.substr(0, at);

    const std::size_t target_at = ++at;
    while (in(target_bytes, head[at]))
        ++at;
    out.target = head.substr(target_at, at - target_at);
    if (head[at] == '#') return {0, {Reason::fragment_in_target, at}};
    if (head[at] != ' ') {
        const bool ended = head[at] == '\r' || head[at] == '\n';
        return {
            0, line_break_refusal(head, at, ended ? Reason::bad_request_line : Reason::bad_target)};
    }
    if (out.target.empty()) return {0, {Reason::bad_request_line, at}};

    const std::size_t end = find_control(head, ++at);
    if (end + 1 != lf || head[end] != '\r') {
        return {0, line_break_refusal(head, end, Reason::bad_request_line)};
    }
    return {lf + 1, read_version(head.substr(at, end - at), at, out)};
}

/// The target's form, the Host field and what they say of each other.
Refusal read_authority(std::string_view head, const HeadFacts& facts, RequestHead& out) {
    Target target;
    const Refusal refusal = read_target(out.method, out.target, target);
    if (refusal.reason != Reason::none) {
        return {refusal.reason, offset_in(head, out.target) + refusal.offset};
    }
    out.path = target.path;
    out.authority = target.authority;
    if (facts.host == nullptr) {
        if (out.minor >= 1) return {Reason::missing_host, head.size() - 2};
        return {};
    }
    const auto host = facts.host->value;
    if (const auto fault = find_authority_fault(host)) {
        return {Reason::bad_host, offset_in(head, host) + *fault};
    }
    if (target.authority.empty()) {
        out.authority = host;
    } else if (!same_authority(target.authority, host, target.is_https)) {
        return {Reason::host_disagrees, offset_in(head, host)};
    }
    return {};
}

/// Keeps the expectations of a client that cannot wait from the server, which could.
void end_expectations(std::vector<Field>& fields) {
    for (Field& field : fields) {
        if (field.id == FieldId::expect) field.hop_by_hop = true;
    }
}

/// Expect and Upgrade: what the client wants besides the answer.
Refusal read_wishes(std::string_view head, const HeadFacts& facts, RequestHead& out) {
    if (facts.bad_expect != nullptr) {
        return {Reason::bad_expect, offset_in(head, facts.bad_expect->value)};
    }
    // An HTTP/1.0 client cannot wait for a 100 (RFC 9110 section 10.1.1), nor can one that
    // sends no body.
    out.expect_continue = facts.expect != nullptr && out.minor >= 1 && out.framing != Framing::none;
    if (facts.expect != nullptr && !out.expect_continue) end_expectations(out.fields);
    if (!facts.upgrade_asked || !facts.upgrade_named || out.minor == 0) return {};
    if (facts.bad_upgrade != nullptr) {
        return {Reason::bad_upgrade, offset_in(head, facts.bad_upgrade->value)};
    }
    // The servers behind would speak HTTP/2 in a tunnel that no rule looks into.
    out.upgrade = !facts.upgrade_to_http;
    return {};
}

Refusal parse(std::string_view bytes, const HeadLimits& limits, RequestHead& out) {
    out.clear();
    const Reading line = read_request_line(bytes, limits.request_line_bytes, out);
    if (line.refusal.reason != Reason::none) return line.refusal;
    if (out.method == "CONNECT") return {Reason::connect_refused, 0};
    const Reading section = read_fields(bytes, line.next, limits.fields, out.fields);
    if (section.refusal.reason != Reason::none) return section.refusal;
    const auto head = bytes.substr(0, section.next);

    HeadFacts facts;
    BodyFraming framing;
    Refusal refusal = gather(head, out.fields, facts);
    if (refusal.reason == Reason::none) refusal = decide_framing(head, out.minor, facts, framing);
    if (refusal.reason == Reason::none) refusal = read_authority(head, facts, out);
    if (refusal.reason != Reason::none) return refusal;
    out.framing = framing.framing;
    out.content_length = framing.content_length;
    out.keep_alive = stays_open(out.minor, facts);
    out.te_trailers = facts.te_trailers;
    out.is_head = out.method == "HEAD";
    out.idempotent = is_idempotent(out.method);
    refusal = read_wishes(head, facts, out);
    if (refusal.reason != Reason::none) return refusal;
    const FirstReading first{head, out.method, out.target, out.fields, framing};
    return is_plain(first) ? Refusal{} : ask_second_reader(first);
}

}  // namespace

std::size_t head_length(std::string_view bytes, std::size_t scanned) {
    // The last three bytes looked at may start an end that was not whole then.
    std::size_t at = scanned > 3 ? scanned - 3 : 0;
    while ((at = bytes.find('\n', at)) != bytes.npos) {
        ++at;
        const std::size_t lf = at < bytes.size() && bytes[at] == '\r' ? at + 1 : at;
        if (lf < bytes.size() && bytes[lf] == '\n') return lf + 1;
    }
    return 0;
}

std::optional<Refusal> parse_request_head(std::string_view bytes, const HeadLimits& limits,
                                          RequestHead& out) {
    const Refusal refusal = parse(bytes, limits, out);
    if (refusal.reason == Reason::none) return std::nullopt;
    return refusal;
}

}  // namespace poise::proxy
