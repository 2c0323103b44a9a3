#include "proxy/http2_head.hpp"

#include "proxy/chunked.hpp"
#include "proxy/head_bytes.hpp"
#include "proxy/head_framing.hpp"
#include "proxy/head_target.hpp"

#include <algorithm>
#include <array>

namespace poise::proxy {

namespace {

struct PseudoFields {
    std::string_view method, scheme, authority, path, protocol, status;
    bool has_authority = false;
    bool has_path = false;
};

std::size_t at(const FieldBlock& block, std::string_view part) {
    return offset_in(block.bytes(), part);
}

// A name that HTTP/2 allows: a token without upper case (RFC 9113 section 8.2.1).
Refusal check_name(const FieldBlock& block, std::string_view name) {
    if (name.empty()) return {Reason::empty_field_name, at(block, name)};
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] >= 'A' && name[i] <= 'Z')
            return {Reason::uppercase_field_name, at(block, name) + i};
        if (!in(token_bytes, name[i])) return {Reason::bad_field_name, at(block, name) + i};
    }
    return {};
}

Refusal check_value(const FieldBlock& block, std::string_view value) {
    const auto control = find_control(value, 0);
    if (control < value.size()) return {Reason::control_byte, at(block, value) + control};
    if (!value.empty() && (is_blank(value.front()) || is_blank(value.back())))
        return {Reason::space_around_value, at(block, value)};
    return {};
}

bool belongs_to_connection(const Field& field) {
    switch (field.id) {
        case FieldId::connection:
        case FieldId::transfer_encoding:
        case FieldId::upgrade:
        case FieldId::keep_alive:
        case FieldId::proxy_connection:
            return true;
        case FieldId::te:
            return !same_word(field.value, "trailers");
        default:
            return false;
    }
}

// Takes `value` unless the field was there before.
bool take_once(std::string_view& into, std::string_view value, bool& seen) {
    if (seen) return false;
    seen = true;
    into = value;
    return true;
}

struct PseudoReader {
    PseudoFields fields;
    bool request;
    bool seen_method = false, seen_scheme = false, seen_authority = false, seen_path = false,
         seen_protocol = false, seen_status = false;

    // False: unknown, out of place or there before.
    bool take(std::string_view name, std::string_view value) {
        if (!request) return name == ":status" && take_once(fields.status, value, seen_status);
        if (name == ":method") return take_once(fields.method, value, seen_method);
        if (name == ":scheme") return take_once(fields.scheme, value, seen_scheme);
        if (name == ":path") return take_once(fields.path, value, seen_path);
        if (name == ":authority") return take_once(fields.authority, value, seen_authority);
        if (name == ":protocol") return take_once(fields.protocol, value, seen_protocol);
        return false;
    }
};

// Splits pseudo-fields from fields, and checks every byte of both.
Refusal read_fields(const FieldBlock& block, PseudoReader& pseudo, std::vector<Field>& fields) {
    for (std::size_t i = 0; i < block.size(); ++i) {
        const auto name = block.name(i);
        const auto value = block.value(i);
        if (const auto refusal = check_value(block, value); refusal.reason != Reason::none)
            return refusal;
        if (name.starts_with(':')) {
            if (!fields.empty() || !pseudo.take(name, value))
                return {Reason::bad_pseudo_field, at(block, name)};
            continue;
        }
        if (const auto refusal = check_name(block, name); refusal.reason != Reason::none)
            return refusal;
        const Field field{name, value, field_id(name)};
        if (belongs_to_connection(field)) return {Reason::connection_field, at(block, name)};
        fields.push_back(field);
    }
    return {};
}

bool is_idempotent(std::string_view method) {
    constexpr std::array<std::string_view, 6> methods = {"GET",    "HEAD",    "PUT",
                                                         "DELETE", "OPTIONS", "TRACE"};
    return std::ranges::find(methods, method) != methods.end();
}

Refusal check_pseudo_fields(const PseudoReader& pseudo) {
    const auto& fields = pseudo.fields;
    if (!is_token(fields.method)) return {Reason::bad_pseudo_field, 0};
    const bool connect = fields.method == "CONNECT";
    if (connect && !pseudo.seen_protocol) {
        if (pseudo.seen_scheme || pseudo.seen_path || fields.authority.empty())
            return {Reason::bad_pseudo_field, 0};
        return {Reason::connect_refused, 0};
    }
    if (pseudo.seen_protocol && (!connect || !is_token(fields.protocol)))
        return {Reason::bad_pseudo_field, 0};
    if (fields.scheme != "http" && fields.scheme != "https") return {Reason::bad_pseudo_field, 0};
    if (fields.path.empty()) return {Reason::bad_pseudo_field, 0};
    return {};
}

// The path, and whether :authority and Host agree (RFC 9113 section 8.3.1).
Refusal read_target_and_authority(const FieldBlock& block, const PseudoFields& pseudo,
                                  const HeadFacts& facts, const HeadLimits& limits,
                                  RequestHead& out) {
    const auto path = pseudo.path;
    if (path.size() > limits.request_line_bytes)
        return {Reason::request_line_too_long, at(block, path) + limits.request_line_bytes};
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '#') return {Reason::fragment_in_target, at(block, path) + i};
        if (!in(target_bytes, path[i])) return {Reason::bad_target, at(block, path) + i};
    }
    if (path[0] != '/' && !(path == "*" && pseudo.method == "OPTIONS"))
        return {Reason::bad_target, at(block, path)};
    out.target = out.path = path;

    const Field* host = facts.host;
    if (host == nullptr && pseudo.authority.empty())
        return {Reason::missing_host, block.bytes().size()};
    for (const auto name : {pseudo.authority, host != nullptr ? host->value : std::string_view()}) {
        if (name.empty() && host != nullptr && !pseudo.authority.empty())
            return {Reason::bad_host, at(block, host->value)};
        if (name.empty()) continue;
        if (const auto fault = find_authority_fault(name))
            return {Reason::bad_host, at(block, name) + *fault};
    }
    out.authority = pseudo.authority.empty() ? host->value : pseudo.authority;
    if (host != nullptr && !same_authority(out.authority, host->value, pseudo.scheme == "https"))
        return {Reason::host_disagrees, at(block, host->value)};
    return {};
}

Refusal read_body(const FieldBlock& block, const HeadFacts& facts, BodyFraming& framing) {
    const Refusal refusal = decide_framing(block.bytes(), 1, facts, framing);
    if (refusal.reason != Reason::none) return refusal;
    if (!block.last()) {
        if (framing.framing == Framing::none) framing.framing = Framing::chunked;
        return {};
    }
    if (framing.content_length > 0)
        return {Reason::length_disagrees, at(block, facts.content_length->value)};
    return {};
}

// What the client wants besides the answer.
Refusal read_wishes(const FieldBlock& block, const PseudoFields& pseudo, const HeadFacts& facts,
                    RequestHead& out) {
    if (facts.bad_expect != nullptr)
        return {Reason::bad_expect, at(block, facts.bad_expect->value)};
    out.expect_continue = facts.expect != nullptr && out.framing != Framing::none;
    if (facts.expect != nullptr && !out.expect_continue)
        for (Field& field : out.fields)
            if (field.id == FieldId::expect) field.hop_by_hop = true;
    if (pseudo.protocol.empty()) return {};
    // Other protocols than WebSocket have no form in HTTP/1 that is known here.
    if (!same_word(pseudo.protocol, "websocket") || block.last())
        return {Reason::connect_refused, at(block, pseudo.protocol)};
    out.method = "GET";
    out.upgrade = out.extended_connect = true;
    out.framing = Framing::none;  // what follows is the tunnel's
    out.fields.push_back({"Upgrade", "websocket", FieldId::upgrade, true});
    return {};
}

Refusal read_request(FieldBlock& block, const HeadLimits& limits, RequestHead& out) {
    out.clear();
    if (block.too_long()) return {Reason::head_too_long, block.bytes().size()};
    if (block.too_many()) return {Reason::too_many_fields, block.bytes().size()};
    block.merge_cookies();
    PseudoReader pseudo{.fields = {}, .request = true};
    Refusal refusal = read_fields(block, pseudo, out.fields);
    if (refusal.reason != Reason::none) return refusal;
    if (refusal = check_pseudo_fields(pseudo); refusal.reason != Reason::none) return refusal;

    HeadFacts facts;
    BodyFraming framing;
    out.major = 2;
    out.method = pseudo.fields.method;
    refusal = gather(block.bytes(), out.fields, facts);
    if (refusal.reason == Reason::none) refusal = read_body(block, facts, framing);
    if (refusal.reason == Reason::none)
        refusal = read_target_and_authority(block, pseudo.fields, facts, limits, out);
    if (refusal.reason != Reason::none) return refusal;
    out.framing = framing.framing;
    out.content_length = framing.content_length;
    out.te_trailers = facts.te_trailers;
    out.is_head = out.method == "HEAD";
    out.idempotent = is_idempotent(out.method);
    return read_wishes(block, pseudo.fields, facts, out);
}

Refusal read_response(const FieldBlock& block, bool request_is_head, ResponseHead& out) {
    out.clear();
    if (block.too_long() || block.too_many()) return {Reason::response_head_too_long, 0};
    PseudoReader pseudo{.fields = {}, .request = false};
    Refusal refusal = read_fields(block, pseudo, out.fields);
    if (refusal.reason != Reason::none) return refusal;
    const auto status = pseudo.fields.status;
    if (status.size() != 3 || !std::ranges::all_of(status, is_digit))
        return {Reason::bad_pseudo_field, 0};
    for (const char digit : status)
        out.status = out.status * 10 + (digit - '0');
    // 101 has no meaning in HTTP/2 (RFC 9113 section 8.6).
    if (out.status < 100 || out.status > 599 || out.status == 101)
        return {Reason::bad_pseudo_field, at(block, status)};
    if (out.status < 200 && block.last()) return {Reason::bad_pseudo_field, at(block, status)};

    HeadFacts facts;
    BodyFraming framing;
    refusal = gather(block.bytes(), out.fields, facts);
    if (refusal.reason == Reason::none) refusal = decide_framing(block.bytes(), 1, facts, framing);
    if (refusal.reason != Reason::none) return refusal;
    if (request_is_head || out.status < 200 || out.status == 204 || out.status == 304) return {};
    if (block.last() && framing.content_length > 0) return {Reason::length_disagrees, 0};
    out.content_length = framing.content_length;
    if (!block.last())
        out.framing = framing.framing == Framing::none ? Framing::chunked : framing.framing;
    else
        out.framing = Framing::length;
    return {};
}

}  // namespace

std::optional<Refusal> read_request_fields(FieldBlock& block, const HeadLimits& limits,
                                           RequestHead& out) {
    const Refusal refusal = read_request(block, limits, out);
    if (refusal.reason == Reason::none) return std::nullopt;
    return refusal;
}

std::optional<Refusal> read_response_fields(const FieldBlock& block, bool request_is_head,
                                            ResponseHead& out) {
    const Refusal refusal = read_response(block, request_is_head, out);
    if (refusal.reason == Reason::none) return std::nullopt;
    if (refusal.reason == Reason::response_head_too_long) return refusal;
    return Refusal{Reason::bad_response, refusal.offset};
}

std::optional<Refusal> read_trailer_fields(const FieldBlock& block, std::string& lines) {
    lines.clear();
    if (block.too_long() || block.too_many())
        return Refusal{Reason::trailer_too_long, block.bytes().size()};
    std::vector<Field> fields;
    PseudoReader none{.fields = {}, .request = false, .seen_status = true};
    const Refusal refusal = read_fields(block, none, fields);
    if (refusal.reason != Reason::none) return refusal;
    for (const Field& field : fields) {
        if (is_forbidden_in_trailer(field.name))
            return Refusal{Reason::framing_field_in_trailer, at(block, field.name)};
        lines += field.name;
        lines += ": ";
        lines += field.value;
        lines += "\r\n";
    }
    return std::nullopt;
}

bool is_malformed(Reason reason) {
    switch (reason) {
        case Reason::empty_field_name:
        case Reason::bad_field_name:
        case Reason::control_byte:
        case Reason::several_content_lengths:
        case Reason::bad_content_length:
        case Reason::bad_pseudo_field:
        case Reason::uppercase_field_name:
        case Reason::space_around_value:
        case Reason::connection_field:
        case Reason::length_disagrees:
            return true;
        default:
            return false;
    }
}

}  // namespace poise::proxy
