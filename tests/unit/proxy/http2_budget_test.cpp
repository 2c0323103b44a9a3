#include "proxy/http2_budget.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace poise::proxy;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t header_bytes = 65'536;
const Http2Budget::TimePoint start{};

int frames_until_empty(const Http2Frame& frame) {
    Http2Budget budget(start);
    int n = 0;
    while (n < 100'000 && budget.pay(frame, header_bytes, start))
        ++n;
    return n;
}

std::string bytes_of(std::uint8_t type, std::uint8_t flags, std::uint8_t stream,
                     std::string_view payload) {
    std::string bytes(9, '\0');
    bytes[1] = static_cast<char>(payload.size() >> 8);
    bytes[2] = static_cast<char>(payload.size());
    bytes[3] = static_cast<char>(type);
    bytes[4] = static_cast<char>(flags);
    bytes[8] = static_cast<char>(stream);
    return bytes += payload;
}

}  // namespace

TEST_SUITE("proxy/http2_budget") {
    TEST_CASE("frames are found whatever pieces they come in") {
        const std::string bytes =
            std::string(24, 'p') + bytes_of(Http2Frame::settings, 0, 0, "123456") +
            bytes_of(Http2Frame::priority, 0, 5, std::string("\0\0\0\3\1", 5)) +
            bytes_of(Http2Frame::headers, 0x1, 1, std::string(300, 'h')) +
            bytes_of(Http2Frame::continuation, 0x4, 1, "");
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
            Http2Frames frames(24);
            std::vector<Http2Frame> found;
            for (std::size_t at = 0; at < bytes.size(); at += piece) {
                auto view = std::string_view(bytes).substr(at, piece);
                while (!view.empty())
                    if (const auto frame = frames.next(view)) found.push_back(*frame);
            }
            REQUIRE(found.size() == 4);
            CHECK(found[0].length == 6);
            CHECK(found[1].stream == 5);
            CHECK(found[1].depends_on == 3);
            CHECK(found[2].length == 300);
            CHECK(found[2].ends_stream());
            CHECK(found[3].ends_headers());
            CHECK(!frames.within_headers());
        }
    }

    TEST_CASE("a stream that depends on itself, and PRIORITY of the connection, are absurd") {
        CHECK(Http2Frame{.type = Http2Frame::priority, .stream = 3, .depends_on = 3}.is_absurd());
        CHECK(Http2Frame{.type = Http2Frame::priority, .stream = 0, .depends_on = 3}.is_absurd());
        CHECK(!Http2Frame{.type = Http2Frame::priority, .stream = 3}.is_absurd());
        CHECK(!Http2Frame{.type = Http2Frame::headers, .stream = 3, .depends_on = 3}.is_absurd());
    }

    TEST_CASE("each kind of frame has its price") {
        CHECK(frames_until_empty({.type = Http2Frame::settings}) == 200);
        CHECK(frames_until_empty({.length = 8, .type = Http2Frame::ping}) == 2'000);
        CHECK(frames_until_empty({.length = 5, .type = Http2Frame::priority}) == 4'000);
        CHECK(frames_until_empty({.length = 4, .type = Http2Frame::window_update}) == 4'000);
        CHECK(frames_until_empty({.type = Http2Frame::data}) == 1'000);
        CHECK(frames_until_empty({.length = 1, .type = 0x42}) == 2'000);
        CHECK(frames_until_empty({.length = 1, .type = Http2Frame::data}) == 100'000);
        CHECK(frames_until_empty({.type = Http2Frame::data, .flags = 0x1}) == 100'000);
    }

    TEST_CASE("a header block is bounded in frames and in bytes") {
        Http2Budget frames(start);
        CHECK(frames.pay({.length = 1, .type = Http2Frame::headers}, header_bytes, start));
        for (int i = 0; i < Http2Budget::continuations_max; ++i)
            CHECK(frames.pay({.length = 1, .type = Http2Frame::continuation}, header_bytes, start));
        CHECK(!frames.pay({.length = 1, .type = Http2Frame::continuation}, header_bytes, start));

        Http2Budget bytes(start);
        CHECK(bytes.pay({.length = 16'384, .type = Http2Frame::headers}, 16'384, start));
        CHECK(bytes.pay({.length = 16'384, .type = Http2Frame::continuation}, 16'384, start));
        CHECK(!bytes.pay({.length = 1, .type = Http2Frame::continuation}, 16'384, start));
    }

    TEST_CASE("time and useful work fill the purse, up to its size") {
        Http2Budget budget(start);
        CHECK(budget.pay(Http2Budget::most, start));
        CHECK(budget.left() == 0);
        CHECK(!budget.pay(1, start));
        CHECK(budget.pay(100, start + 1s));  // 200 have come, 1 was owed

        budget.served();
        budget.sent(40'960);
        CHECK(budget.left() == 99 + 10 + 10);
        budget.sent(1'000'000'000);
        CHECK(budget.left() == Http2Budget::most);
    }
}
