#include "pool/http_response.hpp"

#include <doctest/doctest.h>

using namespace poise::pool;

TEST_SUITE("pool/http_response") {
    TEST_CASE("a response is read as far as it has come") {
        struct Row {
            const char* received;
            int status;
            const char* body;
            bool complete;
        };
        const Row rows[] = {
            {"HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello", false},
            {"HTTP/1.0 204\r\n\r\n", 204, "", false},
            {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
            {"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhel", 200, "hel", false},
            {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\n\r\n", 503, "", false},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
             200, "hello", true},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 200, "he", false},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe", 200, "", false},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhe", 200,
             "he", false},
            {"SSH-2.0-OpenSSH_9.2\r\n", 0, "", false},
            {"HTTP/1.1 2x0 OK\r\n\r\n", 0, "", false},
            {"HTTP/1.1  200 OK\r\n\r\n", 0, "", false},
        };
        for (const auto& row : rows) {
            CAPTURE(row.received);
            const auto response = read_http_response(row.received);
            REQUIRE(response.has_value());
            CHECK(response->status == row.status);
            CHECK(response->body == row.body);
            CHECK(response->complete == row.complete);
        }
    }

    TEST_CASE("an incomplete head is not judged yet") {
        for (const char* received :
             {"", "HTT", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n",
              "HTTP/1.1 100 Continue\r\n\r\n"}) {
            CAPTURE(received);
            CHECK_FALSE(read_http_response(received).has_value());
        }
    }
}
