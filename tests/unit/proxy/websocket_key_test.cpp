#include "proxy/websocket_key.hpp"

#include <doctest/doctest.h>

using namespace poise::proxy;

TEST_SUITE("proxy/websocket_key") {
    TEST_CASE("the answer to a key is that of RFC 6455") {
        CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    TEST_CASE("a key is 16 bytes, and a request's own") {
        CHECK(websocket_key("0123456789abcdef0123456789").size() == 24);
        CHECK(websocket_key("").size() == 24);
        CHECK(websocket_key("0123456789abcdef0123456789") !=
              websocket_key("0123456789abcdef012345678a"));
    }
}
