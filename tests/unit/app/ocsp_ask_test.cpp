// Where responders are, and when they are asked again.
#include "app/ocsp_ask.hpp"

#include "app/ocsp_keeper.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::app;
using namespace std::chrono_literals;

TEST_SUITE("app/ocsp_ask") {
    TEST_CASE("the address of a responder is taken apart") {
        struct Row {
            const char* url;
            HttpUrl parsed;
        };
        for (const Row& row :
             {Row{"http://ocsp.test", {"ocsp.test", 80, "/"}},
              Row{"http://ocsp.test/", {"ocsp.test", 80, "/"}},
              Row{"http://ocsp.test:8080/a/b?c=d#e", {"ocsp.test", 8080, "/a/b?c=d"}},
              Row{"http://ocsp.test?c", {"ocsp.test", 80, "/?c"}},
              Row{"http://[2001:db8::1]:81/x", {"2001:db8::1", 81, "/x"}},
              Row{"http://[2001:db8::1]", {"2001:db8::1", 80, "/"}}}) {
            CAPTURE(row.url);
            CHECK(parse_http_url(row.url) == row.parsed);
        }
    }

    TEST_CASE("what is no address of one is refused") {
        for (const char* url : {"", "ocsp.test", "https://ocsp.test/", "http://", "http:///x",
                                "http://:80/", "http://a:0/", "http://a:65536/", "http://a:/",
                                "http://a:8x/", "http://[::1/", "http://[::1]x/", "http://user@a/",
                                "http://a/\r\nHost: b", "http://a/b c", "ldap://a/"}) {
            CAPTURE(url);
            CHECK_FALSE(parse_http_url(url));
        }
    }

    TEST_CASE("an answer is asked for again when half of its time is over, within limits") {
        const auto now = std::chrono::system_clock::now();
        const auto after = [&](std::chrono::seconds left) {
            return ask_again_after({.next_update = now + left}, now);
        };

        CHECK(after(2h) == 1h);
        CHECK(after(7 * 24h) == 12h);
        CHECK(after(10s) == 1min);
    }
}
