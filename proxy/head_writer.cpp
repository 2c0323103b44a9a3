#include "proxy/head_writer.hpp"

#include "persistence/cookie.hpp"

#include <array>
#include <charconv>

namespace poise::proxy {

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
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

// Passed on as they are, unless they end here.
void append_request_fields(std::string& out, const RequestHead& head,
                           const RequestHeadContext& context) {
    for (const Field& field : head.fields) {
        if (field.hop_by_hop) continue;
        switch (field.id) {
            case FieldId::other:
                if (!is_forged(field.name, context.forwarder))
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

}  // namespace

void append_request_head(std::string& out, const RequestHead& head,
                         const RequestHeadContext& context) {
    out += head.method;
    out += ' ';
    out += head.path;
    out += " HTTP/1.1\r\n";
    append_field(out, "Host", head.authority.empty() ? context.default_host : head.authority);
    append_request_fields(out, head, context);
    context.forwarder.append(out, head, context.client);
    append_field(out, "X-Request-Id", context.request_id);
    if (head.framing == Framing::length)
        append_length(out, head.content_length);
    else if (head.framing == Framing::chunked)
        out += "Transfer-Encoding: chunked\r\n";
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
    bool has_request_id = false;
    for (const Field& field : head.fields) {
        if (field.id == FieldId::x_request_id) has_request_id = true;
        const bool is_length = field.id == FieldId::content_length;
        if (field.hop_by_hop || (is_length && !context.keep_length)) continue;
        append_field(out, field.name, field.value);
    }
    out += context.set_cookie;
    if (!has_request_id && head.status >= 200)
        append_field(out, "X-Request-Id", context.request_id);
    if (context.framing_out == Framing::length)
        append_length(out, head.content_length);
    else if (context.framing_out == Framing::chunked)
        out += "Transfer-Encoding: chunked\r\n";
    if (context.upgrade)
        append_upgrade(out, head.fields);
    else if (head.status >= 200 && !context.keep_alive)
        out += "Connection: close\r\n";
    else if (head.status >= 200 && context.client_minor == 0)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
}

}  // namespace poise::proxy
