// Response heads: framing, keep-alive and the ambiguous ones that become 502.
#include "proxy/head.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace poise::proxy;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// Parses `text`, which must be good; `text` must outlive the result.
ResponseHead parsed(const std::string& text, bool request_is_head = false) {
    REQUIRE(head_length(text, 0) == text.size());
    ResponseHead head;
    INFO(text);
    REQUIRE_FALSE(parse_response_head(text, {}, request_is_head, head));
    return head;
}

}  // namespace

TEST_SUITE("proxy/response_head") {
    TEST_CASE("a simple response is taken apart") {
        const auto text =
            "HTTP/1.1 404 Not Found\r\nServer: x\r\nSet-Cookie: a=b\r\n"
            "Content-Length: 7\r\n\r\n"s;

        const auto head = parsed(text);

        CHECK(head.status == 404);
        CHECK(head.reason_phrase == "Not Found");
        CHECK(head.minor == 1);
        CHECK(head.keep_alive);
        CHECK(head.framing == Framing::length);
        CHECK(head.content_length == 7);
        REQUIRE(head.fields.size() == 3);
        CHECK(head.find(FieldId::set_cookie) == &head.fields[1]);
        CHECK(head.find(FieldId::cookie) == nullptr);
    }

    TEST_CASE("status lines in use are good") {
        struct Row {
            std::string_view line;
            int status;
            std::string_view phrase;
        };
        const Row rows[] = {
            {"HTTP/1.1 200 OK", 200, "OK"},
            {"HTTP/1.1 200 ", 200, ""},
            {"HTTP/1.1 200", 200, ""},
            {"HTTP/1.0 299 a  b\tc", 299, "a  b\tc"},
            {"HTTP/1.1 599 \xc3\xa4", 599, "\xc3\xa4"},
            {"HTTP/1.1 200 (#:/)", 200, "(#:/)"},
        };

        for (const Row& row : rows) {
            CAPTURE(row.line);
            const auto text = std::string(row.line) + "\r\n\r\n";

            const auto head = parsed(text);

            CHECK(head.status == row.status);
            CHECK(head.reason_phrase == row.phrase);
        }
    }

    TEST_CASE("framing follows the status, the request and the fields") {
        struct Row {
            std::string_view status;
            std::string_view field;
            bool request_is_head;
            Framing framing;
            bool keep_alive;
        };
        const Row rows[] = {
            {"1.1 200", "Content-Length: 5\r\n", false, Framing::length, true},
            {"1.1 200", "Content-Length: 0\r\n", false, Framing::length, true},
            {"1.1 200", "Transfer-Encoding: Chunked\r\n", false, Framing::chunked, true},
            {"1.1 200", "", false, Framing::until_close, false},
            {"1.0 200", "", false, Framing::until_close, false},
            {"1.0 200", "Connection: keep-alive\r\n", false, Framing::until_close, false},
            {"1.0 200", "Connection: keep-alive\r\nContent-Length: 5\r\n", false, Framing::length,
             true},
            {"1.0 200", "Content-Length: 5\r\n", false, Framing::length, false},
            {"1.1 200", "Connection: close\r\nContent-Length: 5\r\n", false, Framing::length,
             false},
            {"1.1 200", "Content-Length: 5\r\n", true, Framing::none, true},
            {"1.1 200", "Transfer-Encoding: chunked\r\n", true, Framing::none, true},
            {"1.1 200", "", true, Framing::none, true},
            {"1.1 304", "Content-Length: 5\r\n", false, Framing::none, true},
            {"1.1 304", "", false, Framing::none, true},
            {"1.1 204", "", false, Framing::none, true},
            {"1.1 204", "Content-Length: 0\r\n", false, Framing::none, true},
            {"1.1 204", "Content-Length: 5\r\n", false, Framing::none, false},
            {"1.1 204", "Transfer-Encoding: chunked\r\n", false, Framing::none, false},
            {"1.1 100", "", false, Framing::none, true},
            {"1.1 103", "Link: x\r\n", false, Framing::none, true},
            {"1.1 103", "Content-Length: 5\r\n", false, Framing::none, false},
            {"1.1 101", "Connection: upgrade\r\nUpgrade: websocket\r\n", false, Framing::none,
             true},
            {"1.1 205", "", false, Framing::until_close, false},
        };

        for (const Row& row : rows) {
            CAPTURE(row.status);
            CAPTURE(row.field);
            CAPTURE(row.request_is_head);
            const auto text =
                "HTTP/" + std::string(row.status) + " x\r\n" + std::string(row.field) + "\r\n";

            const auto head = parsed(text, row.request_is_head);

            CHECK(head.framing == row.framing);
            CHECK(head.keep_alive == row.keep_alive);
        }
    }

    TEST_CASE("fields of one hop end here, authentication passes") {
        const auto text =
            "HTTP/1.1 407 x\r\nConnection: close, X-A\r\nx-a: 1\r\nKeep-Alive: 2\r\n"
            "Proxy-Authenticate: NTLM\r\nWWW-Authenticate: Negotiate\r\n"
            "Content-Length: 0\r\nSet-Cookie: b\r\n\r\n"s;

        const auto head = parsed(text);

        std::string names;
        for (const Field& field : head.fields) {
            if (field.hop_by_hop) names += std::string(field.name) + ' ';
        }
        CHECK(names == "Connection x-a Keep-Alive ");
    }

    TEST_CASE("what is malformed or ambiguous is a bad response, with its place") {
        const std::string_view rows[] = {
            // "^" marks the byte at fault and is taken out.
            "^\r\n\r\n",
            "^hello\r\n\r\n",
            "^ICY 200 OK\r\n\r\n",
            "^http/1.1 200 OK\r\n\r\n",
            "^HTTP/2 200\r\n\r\n",
            "HTTP/1.^2 200 OK\r\n\r\n",
            "HTTP/1.1^1 200 OK\r\n\r\n",
            "HTTP/1.1^\t200 OK\r\n\r\n",
            "HTTP/1.1 ^ 200 OK\r\n\r\n",
            "HTTP/1.1 20^ OK\r\n\r\n",
            "HTTP/1.1 200^0 OK\r\n\r\n",
            "HTTP/1.1 200^OK\r\n\r\n",
            "HTTP/1.1 ^099 OK\r\n\r\n",
            "HTTP/1.1 ^600 OK\r\n\r\n",
            "HTTP/1.1 ^-20 OK\r\n\r\n",
            "HTTP/1.1 200 O^\0K\r\n\r\n"sv,
            "HTTP/1.1 200 OK^\n\n",
            "HTTP/1.1 200^\n\n",
            "HTTP/1.1 200 OK^\rX: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a^\nY: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a^\rY: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX^ : a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\r\n^ b\r\n\r\n",
            "HTTP/1.1 200 OK\r\n^: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: ^\x01\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n^Content-Length: 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5^, 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: ^-5\r\n\r\n",
            "HTTP/1.1 304 OK\r\nContent-Length: ^-5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n^Transfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: ^gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: ^identity\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n^Transfer-Encoding: x\r\n\r\n",
            "HTTP/1.0 200 OK\r\n^Transfer-Encoding: chunked\r\n\r\n",
        };

        for (const auto row : rows) {
            CAPTURE(row);
            std::string bytes(row);
            const auto at = bytes.find('^');
            REQUIRE(at != std::string::npos);
            bytes.erase(at, 1);
            ResponseHead head;

            const auto refusal = parse_response_head(bytes, {}, false, head);

            REQUIRE(refusal);
            CHECK(facts(refusal->reason).id == "bad_response");
            CHECK(refusal->offset == at);
        }
    }

    TEST_CASE("more fields than the limit are a bad response") {
        const auto text = "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"s;
        ResponseHead head;

        const auto refusal = parse_response_head(text, {.fields = 2}, false, head);

        REQUIRE(refusal);
        CHECK(refusal->reason == Reason::bad_response);
        CHECK(refusal->offset == 29);
        CHECK_FALSE(parse_response_head(text, {.fields = 3}, false, head));
    }

    TEST_CASE("a head that is cut anywhere is refused, not misread") {
        const auto good = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n"s;

        for (std::size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            const std::string cut(good, 0, size);
            ResponseHead head;
            CHECK(parse_response_head(cut, {}, false, head));
        }
    }
}
