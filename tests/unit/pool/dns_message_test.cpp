#include "pool/dns_message.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise::pool;
using namespace std::string_literals;

namespace {

// An answer to `query` with these flags.
std::string answer_to(std::string query, char flags_high, char flags_low) {
    query[2] = flags_high;
    query[3] = flags_low;
    return query;
}

}  // namespace

TEST_SUITE("pool/dns_message") {
    TEST_CASE("a query asks for the addresses of a name") {
        const auto expected =
            "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x02xy\x00\x00\x01\x00\x01"s;
        CHECK(make_dns_query(0x1234, "www.xy") == expected);
        CHECK(make_dns_query(0x1234, "www.xy.") == expected);
        CHECK(make_dns_query(0x1234, "").size() == 17);
    }

    TEST_CASE("what is no name makes no query") {
        for (const auto& name :
             {"a..b"s, ".a"s, std::string(64, 'a'), std::string(254, '.'), "a.b.."s}) {
            CAPTURE(name);
            CHECK(make_dns_query(1, name).empty());
        }
    }

    TEST_CASE("only an answer to the query counts") {
        const auto query = make_dns_query(0x1234, "www.xy");
        CHECK(dns_response_code(answer_to(query, '\x81', '\x80'), query) == 0);
        CHECK(dns_response_code(answer_to(query, '\x81', '\x83'), query) == 3);
        CHECK(dns_response_code(answer_to(query, '\x81', '\x80') + "more", query) == 0);
        const auto upper = make_dns_query(0x1234, "WWW.xy");
        CHECK(dns_response_code(answer_to(upper, '\x81', '\x80'), query) == 0);
        // REFUSED by a server that did not look at the question
        CHECK(dns_response_code("\x12\x34\x80\x05\0\0\0\0\0\0\0\0"s, query) == 5);

        CHECK_FALSE(dns_response_code(query, query).has_value());
        const auto other_id = make_dns_query(0x1235, "www.xy");
        CHECK_FALSE(dns_response_code(answer_to(other_id, '\x81', '\x80'), query).has_value());
        const auto other_name = make_dns_query(0x1234, "www.xz");
        CHECK_FALSE(dns_response_code(answer_to(other_name, '\x81', '\x80'), query).has_value());
        CHECK_FALSE(dns_response_code("\x12\x34\x81", query).has_value());
        CHECK_FALSE(dns_response_code("", query).has_value());
    }

    TEST_CASE("codes have their names") {
        CHECK(dns_code_name(3) == "NXDOMAIN");
        CHECK(dns_code_name(9) == "code 9");
    }
}
