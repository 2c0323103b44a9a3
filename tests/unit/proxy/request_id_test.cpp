#include "proxy/request_id.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace poise::proxy;

TEST_SUITE("proxy/request_id") {
    TEST_CASE("ids of one worker never repeat and are usable themselves") {
        RequestIds ids({1, 2, 3, 4});
        std::set<std::string> seen;
        for (int i = 0; i < 10'000; ++i) {
            const RequestId id = ids.next();
            REQUIRE(seen.emplace(id.view()).second);
            REQUIRE(id.view().size() == 26);
            REQUIRE(usable_request_id(id.view()));
        }
    }

    TEST_CASE("the counter may wrap") {
        RequestIds ids({1, UINT64_MAX, 3, 4});
        CHECK(ids.next() != ids.next());
    }

    TEST_CASE("ids that follow each other share no more characters than chance gives") {
        RequestIds ids({1, 2, 3, 4});
        int same = 0;
        for (int i = 0; i < 1'000; ++i) {
            const RequestId a = ids.next();
            const RequestId b = ids.next();
            for (std::size_t at = 0; at < a.text.size(); ++at)
                same += a.text[at] == b.text[at];
        }
        // 26000 pairs of characters, of which 1 in 32 is the same by chance; the first character
        // of each half has 4 bits and is the same in 1 of 16.
        CHECK(same > 600);
        CHECK(same < 1'200);
    }

    TEST_CASE("another seed gives other ids, the same seed the same") {
        CHECK(RequestIds({1, 2, 3, 4}).next() == RequestIds({1, 2, 3, 4}).next());
        CHECK(RequestIds({1, 2, 3, 4}).next() != RequestIds({9, 2, 3, 4}).next());
        CHECK(RequestIds({1, 2, 3, 4}).next() != RequestIds({1, 2, 9, 4}).next());
        CHECK(RequestIds::random().next() != RequestIds::random().next());
    }

    TEST_CASE("an id that could break a log line or a header is not usable") {
        CHECK(usable_request_id("a"));
        CHECK(usable_request_id("5f1c-A_b.c~d+e/f=g:h@i"));
        CHECK(usable_request_id(std::string(128, 'x')));
        CHECK_FALSE(usable_request_id(""));
        CHECK_FALSE(usable_request_id(std::string(129, 'x')));
        for (const std::string_view bad : {"a b", "a\tb", "a\nb", "a\"b", "a\\b", "a;b", "a,b",
                                           "<a>", "a%b", "\x7f", "\xc3\xa4"})
            CHECK_FALSE(usable_request_id(bad));
        CHECK_FALSE(usable_request_id(std::string_view("a\0b", 3)));
    }

    TEST_CASE("an incoming id counts from trusted peers only, and only when it is usable") {
        RequestHead head;
        CHECK(incoming_request_id(head, true).empty());
        head.fields.push_back({"X-Request-ID", "abc", FieldId::x_request_id});
        CHECK(incoming_request_id(head, true) == "abc");
        CHECK(incoming_request_id(head, false).empty());
        head.fields[0].value = "a b";
        CHECK(incoming_request_id(head, true).empty());
    }
}
