// Names of fields: compared without case, and mapped to the few that the proxy acts on.
#include "proxy/head.hpp"

#include <algorithm>
#include <array>

namespace poise::proxy {

namespace {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// `word` is in lower case and as long as `name`.
bool is(std::string_view name, std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (lower(name[i]) != word[i]) return false;
    }
    return true;
}

const Field* find_id(const std::vector<Field>& fields, FieldId id) {
    for (const Field& field : fields) {
        if (field.id == id) return &field;
    }
    return nullptr;
}

FieldId short_field_id(std::string_view name) {
    switch (name.size()) {
        case 2:
            if (is(name, "te")) return FieldId::te;
            break;
        case 4:
            if (is(name, "host")) return FieldId::host;
            if (is(name, "date")) return FieldId::date;
            break;
        case 6:
            if (is(name, "accept")) return FieldId::accept;
            if (is(name, "cookie")) return FieldId::cookie;
            if (is(name, "expect")) return FieldId::expect;
            if (is(name, "server")) return FieldId::server;
            break;
        case 7:
            if (is(name, "trailer")) return FieldId::trailer;
            if (is(name, "upgrade")) return FieldId::upgrade;
            break;
        case 9:
            if (is(name, "forwarded")) return FieldId::forwarded;
            break;
        case 10:
            if (is(name, "connection")) return FieldId::connection;
            if (is(name, "set-cookie")) return FieldId::set_cookie;
            if (is(name, "keep-alive")) return FieldId::keep_alive;
            break;
        default:
            break;
    }
    return FieldId::other;
}

FieldId long_field_id(std::string_view name) {
    switch (name.size()) {
        case 12:
            if (is(name, "x-request-id")) return FieldId::x_request_id;
            if (is(name, "max-forwards")) return FieldId::max_forwards;
            break;
        case 13:
            if (is(name, "authorization")) return FieldId::authorization;
            break;
        case 14:
            if (is(name, "content-length")) return FieldId::content_length;
            if (is(name, "http2-settings")) return FieldId::http2_settings;
            break;
        case 15:
            if (is(name, "x-forwarded-for")) return FieldId::x_forwarded_for;
            break;
        case 16:
            if (is(name, "x-forwarded-host")) return FieldId::x_forwarded_host;
            if (is(name, "www-authenticate")) return FieldId::www_authenticate;
            if (is(name, "proxy-connection")) return FieldId::proxy_connection;
            break;
        case 17:
            if (is(name, "transfer-encoding")) return FieldId::transfer_encoding;
            if (is(name, "x-forwarded-proto")) return FieldId::x_forwarded_proto;
            break;
        case 18:
            if (is(name, "proxy-authenticate")) return FieldId::proxy_authenticate;
            break;
        case 19:
            if (is(name, "proxy-authorization")) return FieldId::proxy_authorization;
            break;
        default:
            break;
    }
    return FieldId::other;
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

FieldId field_id_as_variable(std::string_view name) {
    std::array<char, 20> hyphens{};
    if (name.size() > hyphens.size()) return FieldId::other;
    std::ranges::replace_copy(name, hyphens.begin(), '_', '-');
    return field_id({hyphens.data(), name.size()});
}

FieldId field_id(std::string_view name) {
    return name.size() <= 10 ? short_field_id(name) : long_field_id(name);
}

const Field* RequestHead::find(FieldId id) const {
    return find_id(fields, id);
}

const Field* RequestHead::find(std::string_view name) const {
    for (const Field& field : fields) {
        if (same_word(field.name, name)) return &field;
    }
    return nullptr;
}

void RequestHead::clear() {
    auto kept = std::move(fields);
    kept.clear();
    *this = RequestHead{};
    fields = std::move(kept);
}

void ResponseHead::clear() {
    auto kept = std::move(fields);
    kept.clear();
    *this = ResponseHead{};
    fields = std::move(kept);
}

const Field* ResponseHead::find(std::string_view name) const {
    const auto found = std::ranges::find_if(
        fields, [&](const Field& field) { return same_word(field.name, name); });
    return found == fields.end() ? nullptr : &*found;
}

const Field* ResponseHead::find(FieldId id) const {
    return find_id(fields, id);
}

}  // namespace poise::proxy
