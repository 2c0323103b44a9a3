#include "proxy/head_writer.hpp"

#include "persistence/cookie.hpp"
#include "proxy/websocket_key.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace poise::proxy {

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
    const std::size_t before = out.size();
    const std::size_t after = before + name.size() + value.size() + 4;
    out.resize_and_overwrite(after, [&](char* text, std::size_t) {
        char* to = std::copy(name.begin(), name.end(), text + before);
        *to++ = ':';
        *to++ = ' ';
        to = std::copy(value.begin(), value.end(), to);
        *to++ = '\r';
        *to++ = '\n';
        return after;
    });
}

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_length(std::string& out, std::uint64_t length) {
    out += "Content-Length: ";
    append_number(out, length);
    out += "\r\n";
}

void append_cookie(std::string& out, const Field& field, std::span<const std::string> hidden) {
    if (hidden.empty()) return append_field(out, field.name, field.value);
    const auto before = out.size();
    out += field.name;
    out += ": ";
    if (persistence::append_without_cookies(out, field.value, hidden))
        out += "\r\n";
    else
        out.resize(before);
}

// Of HTTP/1's handshake for WebSocket: HTTP/2 has none, so what a client sends of it means nothing.
bool is_of_handshake(const Field& field) {
    return field.id == FieldId::other && (same_word(field.name, "sec-websocket-key") ||
                                          same_word(field.name, "sec-websocket-accept"));
}

void append_websocket(std::string& out, std::string_view accept) {
    out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    append_field(out, "Sec-WebSocket-Accept", accept);
}

void append_upgrade(std::string& out, const std::vector<Field>& fields) {
    out += "Connection: Upgrade\r\n";
    for (const Field& field : fields)
        if (field.id == FieldId::upgrade) append_field(out, field.name, field.value);
}

// Looks to many a server like one of the fields that we vouch for.
bool is_forged(std::string_view name, const Forwarder& forwarder) {
    if (name.find('_') == std::string_view::npos) return false;
    const FieldId meant = field_id_as_variable(name);
    return meant == FieldId::x_request_id || forwarder.writes(meant);
}

// What servers are told of a client's certificate; a client that says it itself would be
// believed. '_' looks like '-' to many a server.
bool is_certificate_field(std::string_view name) {
    constexpr std::array<std::string_view, 2> whole{"client-cert", "client-cert-chain"};
    constexpr std::string_view start = "x-ssl-client";
    if (name.size() < whole[0].size()) return false;
    const auto same = [&](std::string_view wanted) {
        return std::equal(wanted.begin(), wanted.end(), name.begin(), [](char a, char b) {
            const char lower = b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b;
            return a == (lower == '_' ? '-' : lower);
        });
    };
    if (name.size() >= start.size() && same(start)) return true;
    return std::ranges::any_of(
        whole, [&](std::string_view each) { return name.size() == each.size() && same(each); });
}

// Passed on as they are, unless they end here.
void append_request_fields(std::string& out, const RequestHead& head,
                           const RequestHeadContext& context) {
    // A trusted proxy in front may have asked the client; then we have not.
    const bool keeps_certificate =
        context.forwarder.peer_trusted() && context.certificate_fields.empty();
    for (const Field& field : head.fields) {
        const bool connects = head.extended_connect || context.extended_connect;
        if (field.hop_by_hop || (connects && is_of_handshake(field))) continue;
        switch (field.id) {
            case FieldId::other:
                if (!is_forged(field.name, context.forwarder) &&
                    (!is_certificate_field(field.name) || keeps_certificate))
                    append_field(out, field.name, field.value);
                break;
            case FieldId::host:
            case FieldId::content_length:
            case FieldId::x_request_id:
            case FieldId::http2_settings:
                break;
            case FieldId::cookie:
                append_cookie(out, field, context.hidden_cookies);
                break;
            default:
                if (!context.forwarder.writes(field.id)) append_field(out, field.name, field.value);
        }
    }
}

bool has_hsts(const ResponseHead& head) {
    return std::ranges::any_of(head.fields, [](const Field& field) {
        return same_word(field.name, "Strict-Transport-Security");
    });
}

// True: the server has named the request already.
bool append_response_fields(std::string& out, const ResponseHead& head,
                            const ResponseHeadContext& context) {
    bool has_request_id = false;
    for (const Field& field : head.fields) {
        if (field.id == FieldId::x_request_id) has_request_id = true;
        const bool is_length = field.id == FieldId::content_length;
        if (field.hop_by_hop || (is_length && !context.keep_length)) continue;
        if (context.extended_connect && is_of_handshake(field)) continue;
        append_field(out, field.name, field.value);
    }
    return has_request_id;
}

void append_own_response_fields(std::string& out, const ResponseHead& head,
                                const ResponseHeadContext& context, bool has_request_id) {
    out += context.set_cookie;
    if (head.status >= 200 && !context.hsts.empty() && !has_hsts(head)) out += context.hsts;
    if (!has_request_id && head.status >= 200)
        append_field(out, "X-Request-Id", context.request_id);
    if (context.framing_out == Framing::length) append_length(out, head.content_length);
}

}  // namespace

void append_request_lines(std::string& out, const RequestHead& head,
                          const RequestHeadContext& context) {
    append_request_fields(out, head, context);
    context.forwarder.append(out, head, context.client);
    out += context.certificate_fields;
    append_field(out, "X-Request-Id", context.request_id);
    if (head.framing == Framing::length) append_length(out, head.content_length);
    if (head.te_trailers) append_field(out, "TE", "trailers");
}

void append_response_lines(std::string& out, const ResponseHead& head,
                           const ResponseHeadContext& context) {
    const bool has_request_id = append_response_fields(out, head, context);
    append_own_response_fields(out, head, context, has_request_id);
}

void append_request_head(std::string& out, const RequestHead& head,
                         const RequestHeadContext& context) {
    out += head.method;
    out += ' ';
    out += head.path;
    out += " HTTP/1.1\r\n";
    append_field(out, "Host", head.authority.empty() ? context.default_host : head.authority);
    append_request_fields(out, head, context);
    context.forwarder.append(out, head, context.client);
    out += context.certificate_fields;
    append_field(out, "X-Request-Id", context.request_id);
    if (head.framing == Framing::length)
        append_length(out, head.content_length);
    else if (head.framing == Framing::chunked)
        out += "Transfer-Encoding: chunked\r\n";
    if (head.extended_connect)
        append_field(out, "Sec-WebSocket-Key", websocket_key(context.request_id));
    if (head.upgrade)
        append_upgrade(out, head.fields);
    else if (head.te_trailers)
        out += "TE: trailers\r\nConnection: TE\r\n";
    out += "\r\n";
}

void append_response_head(std::string& out, const ResponseHead& head,
                          const ResponseHeadContext& context) {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(head.status));
    out += ' ';
    out += head.reason_phrase;
    out += "\r\n";
    append_own_response_fields(out, head, context, append_response_fields(out, head, context));
    if (context.framing_out == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
    if (!context.websocket_accept.empty())
        append_websocket(out, context.websocket_accept);
    else if (context.upgrade)
        append_upgrade(out, head.fields);
    else if (head.status >= 200 && !context.keep_alive)
        out += "Connection: close\r\n";
    else if (head.status >= 200 && context.client_minor == 0)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
}

}  // namespace poise::proxy
