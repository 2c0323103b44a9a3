// Runs llhttp over a head that our own reader has taken apart, and compares.
#include "proxy/head_second_reader.hpp"

#include "proxy/head_bytes.hpp"

#include <llhttp.h>

namespace poise::proxy {

namespace {

/// Walks along our fields while llhttp reports its own.
struct Comparison {
    const FirstReading& first;
    std::size_t fields_n = 0;       // whole fields that llhttp has reported
    bool name_reported = false;     // of the field behind those
    const char* differs = nullptr;  // the first byte that the readers see differently
    bool complete = false;          // llhttp saw the end of the head, and all our fields
    bool same_framing = false;      // ... and framed the body as we did
};

Comparison& comparison(llhttp_t* parser) {
    return *static_cast<Comparison*>(parser->data);
}

/// Notes that `at` is read differently and stops llhttp.
int note_difference(Comparison& both, const char* at) {
    both.differs = at;
    return HPE_USER;
}

bool is_same_place(std::string_view ours, const char* at, std::size_t size) {
    return ours.data() == at && ours.size() == size;
}

int on_url(llhttp_t* parser, const char* at, std::size_t size) {
    Comparison& both = comparison(parser);
    return is_same_place(both.first.target, at, size) ? 0 : note_difference(both, at);
}

int on_name(llhttp_t* parser, const char* at, std::size_t size) {
    Comparison& both = comparison(parser);
    const auto& fields = both.first.fields;
    if (both.name_reported || both.fields_n == fields.size() ||
        !is_same_place(fields[both.fields_n].name, at, size)) {
        return note_difference(both, at);
    }
    both.name_reported = true;
    return 0;
}

int on_value(llhttp_t* parser, const char* at, std::size_t size) {
    Comparison& both = comparison(parser);
    while (size > 0 && is_blank(at[size - 1]))
        --size;  // llhttp keeps the blanks at the end
    const auto value = both.first.fields[both.fields_n].value;
    // An empty value has no place of its own among the blanks.
    const bool same = value.empty() ? size == 0 : is_same_place(value, at, size);
    return same ? 0 : note_difference(both, at);
}

int on_value_complete(llhttp_t* parser) {
    Comparison& both = comparison(parser);
    ++both.fields_n;
    both.name_reported = false;
    return 0;
}

int on_headers_complete(llhttp_t* parser) {
    Comparison& both = comparison(parser);
    const BodyFraming& framing = both.first.framing;
    const bool chunked = (parser->flags & F_CHUNKED) != 0;
    const bool length = (parser->flags & F_CONTENT_LENGTH) != 0;
    both.complete = both.fields_n == both.first.fields.size();
    both.same_framing = chunked == (framing.framing == Framing::chunked) &&
                        length == (framing.framing == Framing::length) &&
                        (!length || parser->content_length == framing.content_length);
    return HPE_PAUSED;
}

constexpr llhttp_settings_t make_settings() {
    llhttp_settings_t settings{};
    settings.on_url = on_url;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_value_complete;
    settings.on_headers_complete = on_headers_complete;
    return settings;
}

constexpr llhttp_settings_t settings = make_settings();

Reason reason_of(llhttp_errno_t error) {
    switch (error) {
        case HPE_CR_EXPECTED:
            return Reason::bare_lf;
        case HPE_LF_EXPECTED:
            return Reason::bare_cr;
        case HPE_INVALID_URL:
            return Reason::bad_target;
        case HPE_INVALID_VERSION:
            return Reason::bad_version;
        case HPE_INVALID_HEADER_TOKEN:
            return Reason::bad_field_name;
        case HPE_INVALID_CONTENT_LENGTH:
            return Reason::bad_content_length;
        case HPE_UNEXPECTED_CONTENT_LENGTH:
            return Reason::length_and_chunked;
        case HPE_INVALID_TRANSFER_ENCODING:
            return Reason::bad_transfer_encoding;
        default:
            return Reason::bad_request_line;
    }
}

/// llhttp framed the body in another way, as it does with a tab behind "chunked".
Refusal framing_refusal(const FirstReading& first) {
    for (const Field& field : first.fields) {
        const auto end = offset_in(first.head, field.value) + field.value.size();
        if (field.id == FieldId::transfer_encoding) return {Reason::bad_transfer_encoding, end};
        if (field.id == FieldId::content_length) return {Reason::bad_content_length, end};
    }
    return {Reason::bad_transfer_encoding, first.head.size()};
}

}  // namespace

Refusal ask_second_reader(const FirstReading& first) {
    Comparison both{first};
    llhttp_t parser;
    llhttp_init(&parser, first.method.empty() ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    parser.data = &both;

    // llhttp refuses methods that it does not know; they must pass. So it reads GET in place of
    // every method, ours has been checked already, and goes on behind the real one. That also
    // keeps its places those of the real bytes.
    if (!first.method.empty()) llhttp_execute(&parser, "GET", 3);
    const auto rest = first.head.substr(first.method.size());
    const llhttp_errno_t error = llhttp_execute(&parser, rest.data(), rest.size());
    if (error == HPE_PAUSED && both.complete) {
        return both.same_framing ? Refusal{} : framing_refusal(first);
    }

    const char* at = both.differs != nullptr ? both.differs : llhttp_get_error_pos(&parser);
    const bool inside = at >= first.head.data() && at <= first.head.data() + first.head.size();
    return {reason_of(error), inside ? static_cast<std::size_t>(at - first.head.data()) : 0};
}

}  // namespace poise::proxy
