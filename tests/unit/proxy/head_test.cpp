// Request heads that are good: what they are parsed into. The bad ones stand in head_refusal_test.
#include "proxy/head.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace poise::proxy;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// Parses `text`, which must be good; `text` must outlive the result.
RequestHead parsed(const std::string& text) {
    REQUIRE(head_length(text, 0) == text.size());
    RequestHead head;
    const auto refusal = parse_request_head(text, {}, head);
    INFO(text);
    REQUIRE_MESSAGE(!refusal, facts(refusal.value_or(Refusal{}).reason).id);
    return head;
}

std::vector<std::string> hop_by_hop_names(const RequestHead& head) {
    std::vector<std::string> names;
    for (const Field& field : head.fields) {
        if (field.hop_by_hop) names.emplace_back(field.name);
    }
    return names;
}

}  // namespace

TEST_SUITE("proxy/head") {
    TEST_CASE("a head ends at its empty line, however it arrives") {
        struct Row {
            std::string_view bytes;
            std::size_t length;
        };
        const Row rows[] = {
            {"", 0},
            {"\n", 0},
            {"GET / HTTP/1.1\r\n", 0},
            {"GET / HTTP/1.1\r\nHost: a\r\n\r", 0},
            {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27},
            {"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n", 27},
            {"GET / HTTP/1.1\nHost: a\n\n", 24},
            {"GET / HTTP/1.1\r\nHost: a\r\n\n", 26},
            {"GET / HTTP/1.1\nHost: a\n\r\n", 25},
            {"GET / HTTP/1.1\r\r\r\n", 0},
        };

        for (const Row& row : rows) {
            CAPTURE(row.bytes);
            CHECK(head_length(row.bytes, 0) == row.length);
            for (std::size_t first = 0; first <= row.bytes.size(); ++first) {
                const auto early = head_length(row.bytes.substr(0, first), 0);
                CHECK(early == (row.length != 0 && first >= row.length ? row.length : 0));
                if (early == 0) CHECK(head_length(row.bytes, first) == row.length);
            }
        }
    }

    TEST_CASE("a simple request is taken apart") {
        const auto text =
            "GET /a?b=c HTTP/1.1\r\nHost: Example.com:8080\r\naccept: \t*/* \t\r\n"
            "X-Empty:\r\nX-Blank: \t \r\nX-Utf: \xc3\xa4\tb\r\n\r\n"s;

        const auto head = parsed(text);

        CHECK(head.method == "GET");
        CHECK(head.target == "/a?b=c");
        CHECK(head.path == "/a?b=c");
        CHECK(head.authority == "Example.com:8080");
        CHECK(head.minor == 1);
        CHECK(head.keep_alive);
        CHECK(head.idempotent);
        CHECK(head.framing == Framing::none);
        CHECK_FALSE(head.is_head);
        CHECK_FALSE(head.upgrade);
        CHECK_FALSE(head.expect_continue);
        CHECK_FALSE(head.te_trailers);
        REQUIRE(head.fields.size() == 5);
        CHECK(head.fields[0].id == FieldId::host);
        CHECK(head.fields[1].id == FieldId::accept);
        CHECK(head.fields[1].name == "accept");
        CHECK(head.fields[1].value == "*/*");
        CHECK(head.fields[2].value.empty());
        CHECK(head.fields[3].value.empty());
        CHECK(head.fields[4].value == "\xc3\xa4\tb");
        CHECK(head.find(FieldId::accept) == &head.fields[1]);
        CHECK(head.find("x-EMPTY") == &head.fields[2]);
        CHECK(head.find("x") == nullptr);
        CHECK(head.find(FieldId::cookie) == nullptr);
    }

    TEST_CASE("a used head forgets the message before and keeps its memory") {
        const auto first =
            "POST / HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"s;
        const auto second = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"s;
        RequestHead head;
        REQUIRE_FALSE(parse_request_head(first, {}, head));
        const auto capacity = head.fields.capacity();

        REQUIRE_FALSE(parse_request_head(second, {}, head));

        CHECK(head.framing == Framing::none);
        CHECK(head.content_length == 0);
        CHECK(head.minor == 1);
        CHECK(head.fields.size() == 1);
        CHECK(head.fields.capacity() == capacity);
    }

    TEST_CASE("methods pass, known or not") {
        for (const auto method :
             {"GET", "HEAD", "PATCH", "PROPFIND", "RPC_IN_DATA", "RPC_OUT_DATA", "BASELINECONTROL",
              "get", "M-SEARCH", "X!#$%&'*+-.^_`|~9", "P", "PRIX", "SOURCE", "DESCRIBE"}) {
            const auto text = method + " /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"s;

            const auto head = parsed(text);

            CHECK(head.method == method);
            CHECK(head.path == "/p");
            CHECK(head.framing == Framing::length);
            CHECK(head.is_head == (head.method == "HEAD"));
            CHECK(head.idempotent == (head.method == "GET" || head.method == "HEAD"));
        }
    }

    TEST_CASE("targets of each form are taken apart") {
        struct Row {
            std::string_view line;
            std::string_view host;
            std::string_view path;
            std::string_view authority;
        };
        const Row rows[] = {
            {"GET /", "a", "/", "a"},
            {"GET //b/c", "a", "//b/c", "a"},
            {"GET /{|}\"<>^`\\[]", "a", "/{|}\"<>^`\\[]", "a"},
            {"GET /%00%0d%0a", "a", "/%00%0d%0a", "a"},
            {"OPTIONS *", "a", "*", "a"},
            {"OPTIONS /", "a", "/", "a"},
            {"GET http://a/b?c", "a", "/b?c", "a"},
            {"GET HTTP://A/b", "a", "/b", "A"},
            {"GET http://a", "a", "/", "a"},
            {"OPTIONS http://a", "a", "*", "a"},
            {"GET http://a:80/", "a", "/", "a:80"},
            {"GET http://a/", "a:80", "/", "a"},
            {"GET https://a:443/", "A", "/", "a:443"},
            {"GET http://a:8080/", "a:08080", "/", "a:8080"},
            {"GET http://[::1]:80/", "[::1]", "/", "[::1]:80"},
        };

        for (const Row& row : rows) {
            CAPTURE(row.line);
            const auto text =
                std::string(row.line) + " HTTP/1.1\r\nHost: " + std::string(row.host) + "\r\n\r\n";

            const auto head = parsed(text);

            CHECK(head.path == row.path);
            CHECK(head.authority == row.authority);
        }
    }

    TEST_CASE("hosts of RFC 3986 are good") {
        for (const auto host :
             {"a", "example.com", "example.com.", "EXAMPLE.com:1", "a_b.c-d~e:65535", "10.0.0.1",
              "10.0.0.1:80", "[::1]", "[2001:DB8::1]:443", "[::ffff:10.0.0.1]", "a%2Db",
              "a!$&'()*+;=", "1", "xn--bcher-kva.example:8080"}) {
            CAPTURE(host);
            const auto text = "GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n";

            CHECK(parsed(text).authority == host);
        }
    }

    TEST_CASE("HTTP/1.0 needs no Host") {
        const auto text = "GET / HTTP/1.0\r\n\r\n"s;

        const auto head = parsed(text);

        CHECK(head.minor == 0);
        CHECK(head.authority.empty());
        CHECK_FALSE(head.keep_alive);
    }

    TEST_CASE("keep-alive follows the version and Connection") {
        struct Row {
            std::string_view version;
            std::string_view connection;
            bool keep_alive;
        };
        const Row rows[] = {
            {"1.1", "", true},
            {"1.1", "keep-alive", true},
            {"1.1", "CLOSE", false},
            {"1.1", "keep-alive, close", false},
            {"1.1", "close, keep-alive", false},
            {"1.1", "x,, \t,close", false},
            {"1.1", "x-close", true},
            {"1.1", "clos", true},
            {"1.0", "", false},
            {"1.0", "Keep-Alive", true},
            {"1.0", "close", false},
            {"1.0", "keep-alive, close", false},
        };

        for (const Row& row : rows) {
            CAPTURE(row.version);
            CAPTURE(row.connection);
            const auto text = "GET / HTTP/" + std::string(row.version) +
                              "\r\nHost: a\r\nConnection: " + std::string(row.connection) +
                              "\r\n\r\n";

            CHECK(parsed(text).keep_alive == row.keep_alive);
        }
    }

    TEST_CASE("close in a second Connection field counts") {
        const auto text =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n"s;

        CHECK_FALSE(parsed(text).keep_alive);
    }

    TEST_CASE("bodies are framed by Content-Length or chunked") {
        struct Row {
            std::string_view field;
            Framing framing;
            std::uint64_t length;
        };
        const Row rows[] = {
            {"Content-Length: 0", Framing::length, 0},
            {"content-length:\t15 ", Framing::length, 15},
            {"Content-Length: 0005", Framing::length, 5},
            {"Content-Length: 9223372036854775807", Framing::length, 9223372036854775807u},
            {"Transfer-Encoding: chunked", Framing::chunked, 0},
            {"TRANSFER-ENCODING:Chunked  ", Framing::chunked, 0},
            {"X-Content-Length: 7", Framing::none, 0},
        };

        for (const Row& row : rows) {
            CAPTURE(row.field);
            const auto text =
                "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(row.field) + "\r\n\r\n";

            const auto head = parsed(text);

            CHECK(head.framing == row.framing);
            CHECK(head.content_length == row.length);
        }
    }

    TEST_CASE("fields of one hop and those that Connection names end here") {
        const auto text =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-One, keep-alive,x-two\r\nx-one: 1\r\n"
            "X-Two: 2\r\nX-Two: 3\r\nX-Three: 4\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\n"
            "TE: trailers\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\nUpgrade: websocket\r\n"
            "Proxy-Authorization: NTLM x\r\nHTTP2-Settings: y\r\n\r\n"s;

        const auto head = parsed(text);

        const std::vector<std::string> expected = {
            "Connection", "x-one",         "X-Two",
            "X-Two",      "Keep-Alive",    "Proxy-Connection",
            "TE",         "Trailer",       "Transfer-Encoding",
            "Upgrade",    "HTTP2-Settings"};
        CHECK(hop_by_hop_names(head) == expected);
        CHECK(head.keep_alive);
        CHECK(head.te_trailers);
        CHECK_FALSE(head.upgrade);  // Connection does not ask for it
    }

    TEST_CASE("Connection cannot take away what servers trust") {
        const auto text =
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, host, content-length, cookie, "
            "authorization, x-forwarded-for, X-Forwarded-Whatever, forwarded, x-request-id, "
            "content-type, expect\r\nContent-Length: 5\r\nCookie: c\r\nAuthorization: d\r\n"
            "X-Forwarded-For: e\r\nX-Forwarded-Whatever: f\r\nForwarded: for=g\r\n"
            "X-Request-Id: h\r\nContent-Type: i\r\nExpect: 100-continue\r\n\r\n"s;

        const auto head = parsed(text);

        CHECK(hop_by_hop_names(head) == std::vector<std::string>{"Connection"});
    }

    TEST_CASE("an upgrade needs Connection, Upgrade, HTTP/1.1 and another protocol than HTTP") {
        struct Row {
            std::string_view version;
            std::string_view fields;
            bool upgrade;
        };
        const Row rows[] = {
            {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true},
            {"1.1", "Upgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n", true},
            {"1.1", "Connection: upgrade\r\nUpgrade: TLS/1.0, foo/2\r\n", true},
            {"1.1", "Connection: upgrade\r\n", false},
            {"1.1", "Upgrade: websocket\r\n", false},
            {"1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false},
            {"1.1", "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", false},
            {"1.1", "Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", false},
            {"1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", false},
            {"1.1", "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", false},
        };

        for (const Row& row : rows) {
            CAPTURE(row.fields);
            const auto text = "GET / HTTP/" + std::string(row.version) + "\r\nHost: a\r\n" +
                              std::string(row.fields) + "\r\n";

            const auto head = parsed(text);

            CHECK(head.upgrade == row.upgrade);
        }
    }

    TEST_CASE("a client may wait for 100 when it has a body and speaks HTTP/1.1") {
        const auto post =
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
            "Content-Length: 5\r\n\r\n"s;
        const auto get = "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"s;
        const auto old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"s;

        CHECK(parsed(post).expect_continue);
        CHECK_FALSE(parsed(get).expect_continue);
        CHECK_FALSE(parsed(old).expect_continue);
    }

    TEST_CASE("an expectation that nobody can wait for ends here") {
        const auto old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"s;

        CHECK(hop_by_hop_names(parsed(old)) == std::vector<std::string>{"Expect"});
    }

    TEST_CASE("field ids are found in any case and only for whole names") {
        CHECK(field_id("HOST") == FieldId::host);
        CHECK(field_id("x-forwarded-PROTO") == FieldId::x_forwarded_proto);
        CHECK(field_id("Proxy-Authorization") == FieldId::proxy_authorization);
        CHECK(field_id("WWW-Authenticate") == FieldId::www_authenticate);
        CHECK(field_id("HTTP2-Settings") == FieldId::http2_settings);
        CHECK(field_id("Hosts") == FieldId::other);
        CHECK(field_id("Content_Length") == FieldId::other);
        CHECK(field_id("") == FieldId::other);
        // A byte that differs from a letter in the case bit alone is no letter.
        CHECK(field_id("TRANSFER\rENCODING") == FieldId::other);
        CHECK_FALSE(same_word("a@", "a`"));
        CHECK_FALSE(same_word("[", "{"));
    }

    TEST_CASE("lists are split at commas, without white space and empty elements") {
        std::vector<std::string> elements;

        each_element(", a,\tb c ,,d\t", [&](auto element) { elements.emplace_back(element); });

        CHECK(elements == std::vector<std::string>{"a", "b c", "d"});
    }
}
