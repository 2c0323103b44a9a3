// Decides framing and keep-alive from the fields, and marks the fields that end here.
#include "proxy/head_framing.hpp"

#include "proxy/head_bytes.hpp"

#include <algorithm>
#include <limits>

namespace poise::proxy {

namespace {

constexpr std::uint64_t content_length_max = std::numeric_limits<std::int64_t>::max();

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() && same_word(text.substr(0, word.size()), word);
}

/// Fields that a Connection option must not take away: a client could strip what a server behind
/// trusts, or change what a body means.
bool is_protected(const Field& field) {
    switch (field.id) {
        case FieldId::host:
        case FieldId::content_length:
        case FieldId::expect:
        case FieldId::authorization:
        case FieldId::cookie:
        case FieldId::set_cookie:
        case FieldId::forwarded:
        case FieldId::x_request_id:
            return true;
        default:
            return starts_with_word(field.name, "x-forwarded-") ||
                   starts_with_word(field.name, "content-");
    }
}

void read_connection_option(std::string_view option, HeadFacts& facts) {
    ++facts.options_n;
    if (same_word(option, "close")) {
        facts.close = true;
    } else if (same_word(option, "keep-alive")) {
        facts.keep_alive = true;
    } else if (same_word(option, "upgrade")) {
        facts.upgrade_asked = true;
    } else {
        facts.nominates = true;
    }
}

bool is_protocol(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return is_token(text);
    return is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

void read_upgrade(const Field& field, HeadFacts& facts) {
    facts.upgrade_named = true;
    bool good = !field.value.empty();
    each_element(field.value, [&](std::string_view protocol) {
        good = good && is_protocol(protocol);
        if (same_word(protocol, "h2c") || same_word(protocol, "h2") ||
            starts_with_word(protocol, "http/")) {
            facts.upgrade_to_http = true;
        }
    });
    if (!good && facts.bad_upgrade == nullptr) facts.bad_upgrade = &field;
}

void read_expect(const Field& field, HeadFacts& facts) {
    if (facts.expect == nullptr) facts.expect = &field;
    if (!same_word(field.value, "100-continue") && facts.bad_expect == nullptr) {
        facts.bad_expect = &field;
    }
}

/// Takes `field` as the only one of its kind; false when there was one before.
bool take_only(const Field*& only, const Field& field) {
    if (only != nullptr) return false;
    only = &field;
    return true;
}

void mark_nominated(std::vector<Field>& fields) {
    for (const Field& connection : fields) {
        if (connection.id != FieldId::connection) continue;
        each_element(connection.value, [&](std::string_view option) {
            for (Field& field : fields) {
                if (same_word(field.name, option) && !is_protected(field)) {
                    field.hop_by_hop = true;
                }
            }
        });
    }
}

/// Notes what one field says; gives the reason when it must not stand here.
Reason gather_field(Field& field, HeadFacts& facts) {
    switch (field.id) {
        case FieldId::host:
            return take_only(facts.host, field) ? Reason::none : Reason::several_hosts;
        case FieldId::content_length:
            return take_only(facts.content_length, field) ? Reason::none
                                                          : Reason::several_content_lengths;
        case FieldId::transfer_encoding:
            field.hop_by_hop = true;
            return take_only(facts.transfer_encoding, field) ? Reason::none
                                                             : Reason::bad_transfer_encoding;
        case FieldId::connection:
            field.hop_by_hop = true;
            each_element(field.value,
                         [&](std::string_view option) { read_connection_option(option, facts); });
            return facts.options_n > connection_options_max ? Reason::too_many_fields
                                                            : Reason::none;
        case FieldId::upgrade:
            field.hop_by_hop = true;
            read_upgrade(field, facts);
            return Reason::none;
        case FieldId::te:
            field.hop_by_hop = true;
            each_element(field.value, [&](std::string_view coding) {
                if (same_word(coding, "trailers")) facts.te_trailers = true;
            });
            return Reason::none;
        case FieldId::expect:
            read_expect(field, facts);
            return Reason::none;
        case FieldId::keep_alive:
        case FieldId::proxy_connection:
        case FieldId::trailer:
        case FieldId::http2_settings:
            field.hop_by_hop = true;
            return Reason::none;
        default:
            return Reason::none;
    }
}

Refusal read_content_length(std::string_view head, std::string_view value, BodyFraming& framing) {
    if (value.empty()) return {Reason::bad_content_length, offset_in(head, value)};
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const std::size_t offset = offset_in(head, value) + i;
        if (value[i] == ',') return {Reason::several_content_lengths, offset};
        if (!is_digit(value[i])) return {Reason::bad_content_length, offset};
        const auto digit = static_cast<std::uint64_t>(value[i] - '0');
        if (length > (content_length_max - digit) / 10) {
            return {Reason::bad_content_length, offset};
        }
        length = length * 10 + digit;
    }
    framing = {Framing::length, length};
    return {};
}

}  // namespace

Refusal gather(std::string_view head, std::vector<Field>& fields, HeadFacts& facts) {
    for (Field& field : fields) {
        if (field.id == FieldId::other) continue;
        const Reason reason = gather_field(field, facts);
        if (reason != Reason::none) return {reason, offset_in(head, field.name)};
    }
    if (facts.nominates) mark_nominated(fields);
    return {};
}

Refusal decide_framing(std::string_view head, int minor, const HeadFacts& facts,
                       BodyFraming& framing) {
    const Field* coding = facts.transfer_encoding;
    const Field* length = facts.content_length;
    if (coding == nullptr && length == nullptr) return {};
    if (coding == nullptr) return read_content_length(head, length->value, framing);

    if (minor == 0) {
        return {Reason::transfer_encoding_in_http10, offset_in(head, coding->name)};
    }
    // A list is refused too, "gzip, chunked" among them: only chunked is ever passed on.
    if (!same_word(coding->value, "chunked")) {
        return {Reason::bad_transfer_encoding, offset_in(head, coding->value)};
    }
    if (length != nullptr) {
        const auto later = std::max(offset_in(head, coding->name), offset_in(head, length->name));
        return {Reason::length_and_chunked, later};
    }
    framing = {Framing::chunked, 0};
    return {};
}

bool stays_open(int minor, const HeadFacts& facts) {
    if (facts.close) return false;
    return minor >= 1 || facts.keep_alive;
}

}  // namespace poise::proxy
