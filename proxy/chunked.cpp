// Reads chunk framing byte by byte, payload in whole pieces, trailers line by line.
#include "proxy/chunked.hpp"

#include "proxy/head_bytes.hpp"
#include "proxy/head_fields.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace poise::proxy {

namespace {

constexpr std::uint32_t digits_max = 16;

/// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

bool is_forbidden_in_trailer(std::string_view name) {
    switch (field_id(name)) {
        case FieldId::host:
        case FieldId::connection:
        case FieldId::content_length:
        case FieldId::transfer_encoding:
        case FieldId::te:
        case FieldId::trailer:
        case FieldId::upgrade:
        case FieldId::expect:
        case FieldId::keep_alive:
        case FieldId::proxy_connection:
        case FieldId::proxy_authorization:
        case FieldId::authorization:
        case FieldId::cookie:
        case FieldId::set_cookie:
        case FieldId::forwarded:
        case FieldId::max_forwards:
        case FieldId::http2_settings:
            return true;
        default:
            break;
    }
    constexpr std::string_view forwarded = "x-forwarded-";
    constexpr std::array<std::string_view, 3> content = {"content-encoding", "content-type",
                                                         "content-range"};
    return same_word(name.substr(0, forwarded.size()), forwarded) ||
           std::ranges::any_of(content, [&](auto word) { return same_word(name, word); });
}

void ChunkedReader::refuse(Reason reason, std::uint64_t offset) {
    state_ = State::refused;
    reason_ = reason;
    offset_ = offset;
}

ChunkedReader::Step ChunkedReader::next(std::string_view input) {
    Step step;
    while (step.consumed < input.size() && state_ < State::ended) {
        const auto rest = input.substr(step.consumed);
        if (state_ == State::payload) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
            step.payload = rest.substr(0, n);
            step.consumed += n;
            skip(n);
            return step;
        }
        if (state_ == State::trailer) {
            step.consumed += read_trailers(rest);
            continue;
        }
        read_framing_byte(rest.front());
        if (state_ == State::refused) break;
        ++offset_;
        ++step.consumed;
    }
    if (state_ == State::refused) {
        step.refusal = Refusal{reason_, static_cast<std::size_t>(offset_)};
    }
    step.ended = state_ == State::ended;
    return step;
}

void ChunkedReader::skip(std::uint64_t n) {
    assert(n <= left_in_chunk());
    if (n == 0) return;
    left_ -= n;
    offset_ += n;
    if (left_ == 0) state_ = State::payload_cr;
}

void ChunkedReader::read_framing_byte(char c) {
    switch (state_) {
        case State::size:
            read_size_byte(c);
            break;
        case State::extension:
            read_extension_byte(c);
            break;
        case State::size_lf:
            if (c != '\n') return refuse(Reason::bare_cr, offset_ - 1);
            end_size_line();
            break;
        case State::payload_cr:
            if (c != '\r') {
                return refuse(c == '\n' ? Reason::bare_lf : Reason::bad_chunk_line, offset_);
            }
            state_ = State::payload_lf;
            break;
        case State::payload_lf:
            if (c != '\n') return refuse(Reason::bare_cr, offset_ - 1);
            state_ = State::size;
            break;
        default:
            assert(false);
    }
}

void ChunkedReader::read_size_byte(char c) {
    ++line_bytes_;
    if (const int value = hex_value(c); value >= 0) {
        if (++digits_ > digits_max) return refuse(Reason::chunk_size_overflow, offset_);
        // Sixteen digits cannot overflow 64 bits, so the limit can be looked at afterwards.
        left_ = left_ * 16 + static_cast<std::uint64_t>(value);
        if (left_ > size_max) refuse(Reason::chunk_size_overflow, offset_);
    } else if (c == '\n') {
        refuse(Reason::bare_lf, offset_);
    } else if (digits_ == 0 || (c != '\r' && c != ';')) {
        refuse(Reason::bad_chunk_size, offset_);
    } else {
        state_ = c == '\r' ? State::size_lf : State::extension;
    }
}

void ChunkedReader::read_extension_byte(char c) {
    if (c == '\r') {
        state_ = State::size_lf;
    } else if (is_control(c)) {
        refuse(c == '\n' ? Reason::bare_lf : Reason::bad_chunk_line, offset_);
    } else if (++line_bytes_ > line_bytes_max) {
        refuse(Reason::chunk_extension_too_long, offset_);
    }
}

void ChunkedReader::end_size_line() {
    line_bytes_ = 0;
    digits_ = 0;
    if (left_ > 0) {
        state_ = State::payload;
        return;
    }
    state_ = State::trailer;
    trailers_at_ = offset_ + 1;  // behind the LF, which is not counted yet
}

/// Takes bytes of `input` up to the end of a line; returns how many.
std::size_t ChunkedReader::read_trailers(std::string_view input) {
    const auto lf = input.find('\n');
    const auto wanted = lf == input.npos ? input.size() : lf + 1;
    // Two bytes more than the limit: the empty line does not count.
    const auto room = trailer_bytes_max + 2 - trailers_.size();
    const auto taken = std::min(wanted, room);
    trailers_.append(input.substr(0, taken));
    offset_ += taken;
    if (taken == wanted && lf != input.npos) {
        end_trailer_line();
    } else if (trailers_.size() == trailer_bytes_max + 2) {
        refuse(Reason::trailer_too_long, trailers_at_ + trailer_bytes_max);
    }
    return taken;
}

/// Checks the line that trailers_ has from line_at_ on, the LF included.
void ChunkedReader::end_trailer_line() {
    const std::string_view all = trailers_;
    if (all.substr(line_at_) == "\r\n") {
        trailers_.resize(line_at_);
        state_ = State::ended;
        return;
    }
    Field field;
    const Reading line = read_field(all, line_at_, field);
    if (line.refusal.reason != Reason::none) {
        return refuse(line.refusal.reason, trailers_at_ + line.refusal.offset);
    }
    if (is_forbidden_in_trailer(field.name)) {
        return refuse(Reason::framing_field_in_trailer, trailers_at_ + line_at_);
    }
    if (trailers_.size() > trailer_bytes_max) {
        return refuse(Reason::trailer_too_long, trailers_at_ + trailer_bytes_max);
    }
    line_at_ = static_cast<std::uint32_t>(trailers_.size());
}

}  // namespace poise::proxy
