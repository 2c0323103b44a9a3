// Splits field lines and checks each byte of them once.
#include "proxy/head_fields.hpp"

#include "proxy/head_bytes.hpp"

namespace poise::proxy {

namespace {

bool is_line_end(std::string_view bytes, std::size_t at) {
    return at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n';
}

/// `at` is the first byte that cannot belong to the name and is not its colon.
Refusal name_refusal(std::string_view bytes, std::size_t start, std::size_t at) {
    if (at == bytes.size()) return {Reason::bad_field_name, at};
    if (is_blank(bytes[at])) {
        if (at == start) return {Reason::obsolete_fold, at};
        std::size_t behind = at;
        while (behind < bytes.size() && is_blank(bytes[behind]))
            ++behind;
        const bool colon = behind < bytes.size() && bytes[behind] == ':';
        return {colon ? Reason::space_before_colon : Reason::bad_field_name, at};
    }
    return line_break_refusal(bytes, at, Reason::bad_field_name);
}

}  // namespace

Refusal line_break_refusal(std::string_view bytes, std::size_t at, Reason otherwise) {
    if (at >= bytes.size()) return {otherwise, at};
    if (bytes[at] == '\n') return {Reason::bare_lf, at};
    if (bytes[at] == '\r' && !is_line_end(bytes, at)) return {Reason::bare_cr, at};
    return {otherwise, at};
}

Reading read_field(std::string_view bytes, std::size_t at, Field& field) {
    const std::size_t start = at;
    while (at < bytes.size() && in(token_bytes, bytes[at]))
        ++at;
    if (at == bytes.size() || bytes[at] != ':') return {at, name_refusal(bytes, start, at)};
    if (at == start) return {at, {Reason::empty_field_name, at}};
    field.name = bytes.substr(start, at - start);

    ++at;
    while (at < bytes.size() && is_blank(bytes[at]))
        ++at;
    const std::size_t end = find_control(bytes, at);
    if (!is_line_end(bytes, end)) {
        return {end, line_break_refusal(bytes, end, Reason::control_byte)};
    }
    std::size_t last = end;
    while (last > at && is_blank(bytes[last - 1]))
        --last;
    field.value = bytes.substr(at, last - at);
    return {end + 2, {}};
}

Reading read_fields(std::string_view bytes, std::size_t at, std::size_t fields_max,
                    std::vector<Field>& fields) {
    for (std::size_t n = 0; !is_line_end(bytes, at); ++n) {
        if (n == fields_max) return {at, {Reason::too_many_fields, at}};
        Field field;
        const Reading reading = read_field(bytes, at, field);
        if (reading.refusal.reason != Reason::none) return reading;
        field.id = field_id(field.name);
        fields.push_back(field);
        at = reading.next;
    }
    return {at + 2, {}};
}

}  // namespace poise::proxy
