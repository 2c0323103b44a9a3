#include "proxy/escape.hpp"

#include <doctest/doctest.h>

using namespace poise::proxy;
using namespace std::string_literals;

TEST_SUITE("proxy/escape") {
    template <typename Append>
    std::string made(Append append, std::string_view text) {
        std::string out = "<";
        append(out, text);
        return out.substr(1);
    }

    TEST_CASE("whole UTF-8 characters are known by their length, all else is not") {
        CHECK(utf8_bytes("a") == 1);
        CHECK(utf8_bytes("\xc3\xa4") == 2);
        CHECK(utf8_bytes("\xe2\x82\xac") == 3);
        CHECK(utf8_bytes("\xf0\x9f\x98\x80") == 4);
        CHECK(utf8_bytes("\xf4\x8f\xbf\xbf") == 4);
        for (const std::string_view bad :
             {"", "\x80", "\xbf", "\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
              "\xe2\x82", "\xe2\x82(", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
              "\xf0\x9f\x98", "\xf0\x9f\x98(", "\xf5\x80\x80\x80", "\xff"}) {
            CAPTURE(bad);
            CHECK(utf8_bytes(bad) == 0);
        }
    }

    TEST_CASE("HTML keeps no markup, no controls and no broken bytes") {
        CHECK(made(append_html, "<b a='1' b=\"2\">&amp;") ==
              "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;amp;");
        CHECK(made(append_html, "a\nb\x01\xff\xc3\xa4") == "a\nb\xEF\xBF\xBD\xEF\xBF\xBD\xc3\xa4");
    }

    TEST_CASE("JSON strings are whole and of one line") {
        CHECK(made(append_json_string, "a\"b\\c\n\t\r\0\x7f"s) ==
              "\"a\\\"b\\\\c\\n\\u0009\\u000d\\u0000\\u007f\"");
        CHECK(made(append_json_string, "\xc3\xa4\xff") == "\"\xc3\xa4\xEF\xBF\xBD\"");
        CHECK(made(append_json_string, "a\xE2\x80\xA8z") == "\"a\xEF\xBF\xBDz\"");
        CHECK(made(append_json_string, "") == "\"\"");
    }

    TEST_CASE("log values are bare when they are plain, else quoted") {
        CHECK(made(append_log_value, "/a/b?c;d") == "/a/b?c;d");
        CHECK(made(append_log_value, "") == "-");
        CHECK(made(append_log_value, "-") == "\"-\"");
        CHECK(made(append_log_value, "a b") == "\"a b\"");
        CHECK(made(append_log_value, "a=b") == "\"a=b\"");
        CHECK(made(append_log_value, "a\"b\\") == "\"a\\\"b\\\\\"");
        CHECK(made(append_log_value, "\xc3\xa4") == "\"\xc3\xa4\"");
    }

    TEST_CASE("no log value can start a new line or drive a terminal") {
        CHECK(made(append_log_value, "a\r\nb") == "\"a\\x0d\\x0ab\"");
        CHECK(made(append_log_value, "\x1b[2J\x7f\0"s) == "\"\\x1b[2J\\x7f\\x00\"");
        CHECK(made(append_log_value,
                   "\xc2\x9b"
                   "2J") == "\"\\xc2\\x9b2J\"");
        CHECK(made(append_log_value, "a\xE2\x80\xA9") == "\"a\\xe2\\x80\\xa9\"");
        CHECK(made(append_log_value, "\xff\xc3") == "\"\\xff\\xc3\"");
    }
}
