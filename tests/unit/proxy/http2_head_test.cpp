#include "proxy/http2_head.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace poise::proxy;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

FieldBlock block_of(const Fields& fields, bool last = true, FieldBlock::Limits limits = {}) {
    FieldBlock block;
    for (const auto& [name, value] : fields)
        block.add(name, value, limits);
    if (last) block.set_last();
    return block;
}

const Fields good{
    {":method", "GET"}, {":scheme", "http"}, {":path", "/a?b"}, {":authority", "lab"}};

Fields with(Fields fields, const Fields& more) {
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

Reason reason_of(const Fields& fields, bool last = true) {
    auto block = block_of(fields, last);
    RequestHead head;
    const auto refusal = read_request_fields(block, {}, head);
    return refusal ? refusal->reason : Reason::none;
}

Reason reason_of_response(const Fields& fields, bool last = false) {
    ResponseHead head;
    const auto refusal = read_response_fields(block_of(fields, last), false, head);
    return refusal ? refusal->reason : Reason::none;
}

}  // namespace

TEST_SUITE("proxy/http2_head") {
    TEST_CASE("a request's fields become the head that HTTP/1 would have given") {
        auto block = block_of(with(good, {{"accept", "*/*"}, {"content-length", "12"}}), false);
        RequestHead head;

        REQUIRE(!read_request_fields(block, {}, head));

        CHECK(head.major == 2);
        CHECK(head.method == "GET");
        CHECK(head.path == "/a?b");
        CHECK(head.authority == "lab");
        CHECK(head.framing == Framing::length);
        CHECK(head.content_length == 12);
        CHECK(head.idempotent);
        REQUIRE(head.fields.size() == 2);
        CHECK(head.fields[0].id == FieldId::accept);
    }

    TEST_CASE("a body without a length is like a chunked one, and none is none") {
        for (const bool last : {true, false}) {
            auto block = block_of(good, last);
            RequestHead head;
            REQUIRE(!read_request_fields(block, {}, head));
            CHECK(head.framing == (last ? Framing::none : Framing::chunked));
        }
    }

    TEST_CASE("crumbs of cookies are joined in their order") {
        auto block = block_of(with(
            good, {{"cookie", "a=1"}, {"accept", "*/*"}, {"cookie", "b=2"}, {"cookie", "c=3"}}));
        RequestHead head;

        REQUIRE(!read_request_fields(block, {}, head));

        REQUIRE(head.fields.size() == 2);
        CHECK(head.find(FieldId::cookie)->value == "a=1; b=2; c=3");
        CHECK(head.find(FieldId::accept)->value == "*/*");
    }

    TEST_CASE("what breaks a rule is refused by its name") {
        struct Row {
            Fields fields;
            Reason reason;
        };
        using enum Reason;
        const std::vector<Row> rows{
            {good, none},
            {with(good, {{"te", "trailers"}}), none},
            {with(good, {{"host", "lab"}}), none},
            {with(good, {{"host", "lab:80"}}), none},
            {with(good, {{"X-Up", "1"}}), uppercase_field_name},
            {with(good, {{"", "1"}}), empty_field_name},
            {with(good, {{"a b", "1"}}), bad_field_name},
            {with(good, {{"x", "a\r\nb"}}), control_byte},
            {with(good, {{"x", std::string("a\0b", 3)}}), control_byte},
            {with(good, {{"x", "a\n"}}), control_byte},
            {with(good, {{"x", " a"}}), space_around_value},
            {with(good, {{"x", "a\t"}}), space_around_value},
            {with(good, {{"connection", "close"}}), connection_field},
            {with(good, {{"keep-alive", "1"}}), connection_field},
            {with(good, {{"proxy-connection", "close"}}), connection_field},
            {with(good, {{"transfer-encoding", "chunked"}}), connection_field},
            {with(good, {{"upgrade", "h2c"}}), connection_field},
            {with(good, {{"te", "trailers, deflate"}}), connection_field},
            {with(good, {{"x", "1"}, {":path", "/"}}), bad_pseudo_field},
            {with(good, {{":path", "/"}}), bad_pseudo_field},
            {with(good, {{":status", "200"}}), bad_pseudo_field},
            {with(good, {{":other", "1"}}), bad_pseudo_field},
            {with(good, {{":protocol", "websocket"}}), bad_pseudo_field},
            {{{":scheme", "http"}, {":path", "/"}, {":authority", "lab"}}, bad_pseudo_field},
            {{{":method", "GET"}, {":path", "/"}, {":authority", "lab"}}, bad_pseudo_field},
            {{{":method", "GET"}, {":scheme", "http"}, {":authority", "lab"}}, bad_pseudo_field},
            {{{":method", "G T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "lab"}},
             bad_pseudo_field},
            {{{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "lab"}},
             bad_pseudo_field},
            {{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, missing_host},
            {{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a@b"}},
             bad_host},
            {{{":method", "GET"}, {":scheme", "http"}, {":path", "a"}, {":authority", "lab"}},
             bad_target},
            {{{":method", "GET"}, {":scheme", "http"}, {":path", "*"}, {":authority", "lab"}},
             bad_target},
            {{{":method", "GET"}, {":scheme", "http"}, {":path", "/a b"}, {":authority", "lab"}},
             bad_target},
            {{{":method", "GET"}, {":scheme", "http"}, {":path", "/#a"}, {":authority", "lab"}},
             fragment_in_target},
            {with(good, {{"host", "other"}}), host_disagrees},
            {with(good, {{"host", "lab"}, {"host", "lab"}}), several_hosts},
            {with(good, {{"content-length", "1"}}), length_disagrees},
            {with(good, {{"content-length", "+1"}}), bad_content_length},
            {with(good, {{"content-length", "0"}, {"content-length", "0"}}),
             several_content_lengths},
            {with(good, {{"expect", "200-ok"}}), bad_expect},
            {{{":method", "CONNECT"}, {":authority", "lab:443"}}, connect_refused},
            {{{":method", "CONNECT"}, {":authority", "lab"}, {":path", "/"}}, bad_pseudo_field},
        };
        for (const Row& row : rows) {
            CAPTURE(row.fields.back().first);
            CAPTURE(row.fields.back().second);
            CHECK(reason_of(row.fields) == row.reason);
        }
    }

    TEST_CASE("an extended CONNECT for WebSocket is a GET that asks for the upgrade") {
        const Fields fields{{":method", "CONNECT"},
                            {":protocol", "websocket"},
                            {":scheme", "http"},
                            {":path", "/ws"},
                            {":authority", "lab"}};
        auto block = block_of(fields, false);
        RequestHead head;

        REQUIRE(!read_request_fields(block, {}, head));

        CHECK(head.method == "GET");
        CHECK(head.upgrade);
        CHECK(head.extended_connect);
        CHECK(head.framing == Framing::none);
        CHECK(head.find(FieldId::upgrade)->value == "websocket");
        CHECK(reason_of(fields, true) == Reason::connect_refused);  // ended before it began
    }

    TEST_CASE("a head over a limit is refused whole, and crumbs count once") {
        RequestHead head;
        auto few = block_of(with(good, {{"a", "1"}}), true, {.bytes = 1'000, .fields = 4});
        auto refusal = read_request_fields(few, {}, head);
        REQUIRE(refusal);
        CHECK(refusal->reason == Reason::too_many_fields);

        auto small = block_of(good, true, {.bytes = 20, .fields = 100});
        refusal = read_request_fields(small, {}, head);
        REQUIRE(refusal);
        CHECK(refusal->reason == Reason::head_too_long);

        auto crumbs = block_of(with(good, {{"cookie", "a=1"}, {"cookie", "b=2"}, {"a", "1"}}), true,
                               {.bytes = 1'000, .fields = 6});
        CHECK(!read_request_fields(crumbs, {}, head));
    }

    TEST_CASE("a response's fields are read, and odd ones refused") {
        CHECK(reason_of_response({{":status", "200"}}) == Reason::none);
        CHECK(reason_of_response({{":status", "103"}}) == Reason::none);
        CHECK(reason_of_response({{":status", "101"}}) == Reason::bad_response);
        CHECK(reason_of_response({{":status", "99"}}) == Reason::bad_response);
        CHECK(reason_of_response({{":status", "2x0"}}) == Reason::bad_response);
        CHECK(reason_of_response({{"a", "1"}}) == Reason::bad_response);
        CHECK(reason_of_response({{":status", "200"}, {":status", "200"}}) == Reason::bad_response);
        CHECK(reason_of_response({{":status", "200"}, {"connection", "close"}}) ==
              Reason::bad_response);
        CHECK(reason_of_response({{":status", "200"}, {"content-length", "5"}}, true) ==
              Reason::bad_response);
        CHECK(reason_of_response({{":status", "100"}}, true) == Reason::bad_response);
    }

    TEST_CASE("trailers become lines, and what must not stand there is refused") {
        std::string lines;
        CHECK(!read_trailer_fields(block_of({{"grpc-status", "0"}, {"x", "y"}}), lines));
        CHECK(lines == "grpc-status: 0\r\nx: y\r\n");
        for (const auto& name : {"content-length", "host", "cookie", ":status", "connection"})
            CHECK(read_trailer_fields(block_of({{name, "0"}}), lines));
    }
}
