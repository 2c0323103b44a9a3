// Fuzzes the parsers of heads. A head is refused, or its parsed form, written out and parsed
// again, is the same: what we forward means what we understood. Where a head is so plain that the
// second reader is not asked, it is asked all the same: it must agree.
#include "proxy/head.hpp"
#include "proxy/head_plain.hpp"
#include "proxy/head_second_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace poise::proxy;

namespace {

/// Ends the run, so that the fuzzer keeps the input.
void require(bool holds) {
    if (!holds) std::abort();
}

bool inside(std::string_view input, std::string_view part) {
    return part.data() >= input.data() && part.data() + part.size() <= input.data() + input.size();
}

std::string written(const std::vector<Field>& fields) {
    std::string text;
    for (const Field& field : fields) {
        text.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    return text + "\r\n";
}

void require_same(const std::vector<Field>& a, const std::vector<Field>& b) {
    require(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        require(a[i].name == b[i].name && a[i].value == b[i].value && a[i].id == b[i].id &&
                a[i].hop_by_hop == b[i].hop_by_hop);
    }
}

void check_views(std::string_view head, const std::vector<Field>& fields) {
    for (const Field& field : fields) {
        require(inside(head, field.name) && inside(head, field.value) && !field.name.empty());
        require(field.value.find_first_of("\r\n\0") == std::string_view::npos);
    }
}

/// No field that frames may stand beside another one, or without having framed.
void check_framing(const std::vector<Field>& fields, Framing framing) {
    int lengths = 0;
    int codings = 0;
    for (const Field& field : fields) {
        lengths += same_word(field.name, "content-length");
        codings += same_word(field.name, "transfer-encoding");
    }
    require(lengths + codings <= 1);
    require((framing == Framing::length) == (lengths == 1));
    require((framing == Framing::chunked) == (codings == 1));
}

/// `method` and `target` are empty for a response. The framing is what its fields say, before the
/// status decides.
void check_plain(std::string_view head, std::string_view method, std::string_view target, int minor,
                 std::vector<Field> fields) {
    HeadFacts facts;
    BodyFraming framing;
    require(gather(head, fields, facts).reason == Reason::none);
    require(decide_framing(head, minor, facts, framing).reason == Reason::none);
    const FirstReading first{head, method, target, fields, framing};
    if (is_plain(first)) require(ask_second_reader(first).reason == Reason::none);
}

void check_request(std::string_view head, const HeadLimits& limits) {
    RequestHead first;
    if (const auto refusal = parse_request_head(head, limits, first)) {
        require(refusal->reason != Reason::none && refusal->offset <= head.size());
        return;
    }
    require(inside(head, first.method) && inside(head, first.target));
    require(inside(head, first.path) || first.path == "/" || first.path == "*");
    require(first.authority.empty() || inside(head, first.authority));
    check_views(head, first.fields);
    check_framing(first.fields, first.framing);
    check_plain(head, first.method, first.target, first.minor, first.fields);

    std::string text(first.method);
    text.append(" ").append(first.target).append(" HTTP/1.").append(1, char('0' + first.minor));
    text += "\r\n" + written(first.fields);
    require(head_length(text, 0) == text.size());
    RequestHead second;
    require(!parse_request_head(text, limits, second));
    require(first.method == second.method && first.target == second.target);
    require(first.path == second.path && first.authority == second.authority);
    require(first.framing == second.framing && first.content_length == second.content_length);
    require(first.keep_alive == second.keep_alive && first.upgrade == second.upgrade);
    require(first.minor == second.minor && first.te_trailers == second.te_trailers);
    require_same(first.fields, second.fields);
}

void check_response(std::string_view head, const HeadLimits& limits, bool request_is_head) {
    ResponseHead first;
    if (const auto refusal = parse_response_head(head, limits, request_is_head, first)) {
        require(refusal->reason == Reason::bad_response && refusal->offset <= head.size());
        return;
    }
    require(inside(head, first.reason_phrase));
    check_views(head, first.fields);
    if (!request_is_head && first.status >= 200 && first.status != 204 && first.status != 304) {
        check_framing(first.fields, first.framing);
    }
    check_plain(head, {}, {}, first.minor, first.fields);

    std::string text =
        "HTTP/1." + std::to_string(first.minor) + " " + std::to_string(first.status) + " ";
    text.append(first.reason_phrase).append("\r\n").append(written(first.fields));
    require(head_length(text, 0) == text.size());
    ResponseHead second;
    require(!parse_response_head(text, limits, request_is_head, second));
    require(first.status == second.status && first.reason_phrase == second.reason_phrase);
    require(first.framing == second.framing && first.content_length == second.content_length);
    require(first.keep_alive == second.keep_alive && first.minor == second.minor);
    require_same(first.fields, second.fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto length = head_length(input, 0);
    for (const auto scanned : {size / 2, size}) {
        if (head_length(input.substr(0, scanned), 0) == 0) {
            require(head_length(input, scanned) == length);
        }
    }
    // A copy of the exact size lets the address sanitizer see a byte read too far. What is no
    // whole head is parsed too: it must be refused, not misread.
    const std::string head(input.substr(0, length == 0 ? size : length));
    check_request(head, {});
    check_request(head, {.fields = 2, .request_line_bytes = 24});
    check_response(head, {}, false);
    check_response(head, {.fields = 2}, true);
    return 0;
}
