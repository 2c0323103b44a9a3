// The chunked reader: good bodies, smuggling vectors, and that cuts change nothing.
#include "proxy/chunked.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace poise::proxy;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// What a reader made of a whole input.
struct Outcome {
    std::string payload;
    std::string trailers;
    std::size_t consumed = 0;
    bool ended = false;
    Reason reason = Reason::none;
    std::size_t offset = 0;

    bool operator==(const Outcome&) const = default;
};

/// Feeds `body` as a connection would: pieces arrive of `sizes` in turn (the last one again and
/// again), and what is not consumed is offered again with more behind it.
Outcome read(std::string_view body, const std::vector<std::size_t>& sizes = {1 << 20}) {
    ChunkedReader reader;
    Outcome outcome;
    std::size_t arrived = 0;
    for (std::size_t piece = 0; arrived < body.size(); ++piece) {
        arrived += std::min(sizes[std::min(piece, sizes.size() - 1)], body.size() - arrived);
        while (!outcome.ended && outcome.reason == Reason::none) {
            // A copy of the exact size lets the address sanitizer see a byte read too far.
            const std::string input(body.substr(outcome.consumed, arrived - outcome.consumed));
            const auto step = reader.next(input);
            REQUIRE(step.consumed <= input.size());
            outcome.payload += step.payload;
            outcome.consumed += step.consumed;
            outcome.ended = step.ended;
            if (step.refusal) {
                outcome.reason = step.refusal->reason;
                outcome.offset = step.refusal->offset;
            }
            if (step.consumed == 0) break;
        }
    }
    outcome.trailers = reader.trailers();
    return outcome;
}

}  // namespace

TEST_SUITE("proxy/chunked") {
    TEST_CASE("good bodies are read to their end and not further") {
        struct Row {
            std::string body;
            std::string payload;
            std::string trailers;
        };
        const Row rows[] = {
            {"0\r\n\r\n", "", ""},
            {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
            {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", ""},
            {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""},
            {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""},
            {"00005\r\nhello\r\n000\r\n\r\n", "hello", ""},
            {"0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", ""},
            {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", ""},
            {"5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello", ""},
            {"5;a=\"b c;\td\xe4\"\r\nhello\r\n0\r\n\r\n", "hello", ""},
            {"5;\r\nhello\r\n0\r\n\r\n", "hello", ""},
            {"0\r\nX: y\r\n\r\n", "", "X: y\r\n"},
            {"1\r\na\r\n0\r\ngrpc-status: 0\r\nX-Empty:\r\n\r\n", "a",
             "grpc-status: 0\r\nX-Empty:\r\n"},
            {"1;" + std::string(1'022, 'x') + "\r\na\r\n0\r\n\r\n", "a", ""},
        };

        for (const Row& row : rows) {
            CAPTURE(row.body.substr(0, 60));
            const auto outcome = read(row.body + "GET / HTTP/1.1\r\n");

            CHECK(facts(outcome.reason).id == "none");
            CHECK(outcome.ended);
            CHECK(outcome.payload == row.payload);
            CHECK(outcome.trailers == row.trailers);
            CHECK(outcome.consumed == row.body.size());
        }
    }

    TEST_CASE("a body that is not whole yet neither ends nor is refused") {
        const auto body = "5;a\r\nhello\r\n0\r\nX: y\r\n\r\n"s;

        for (std::size_t size = 0; size < body.size(); ++size) {
            CAPTURE(size);
            const auto outcome = read(body.substr(0, size));
            CHECK_FALSE(outcome.ended);
            CHECK(outcome.reason == Reason::none);
            CHECK(outcome.consumed == size);
        }
    }

    TEST_CASE("the payload of a whole chunk comes in one step, without a copy") {
        const auto body = "400\r\n" + std::string(1'024, 'x') + "\r\n0\r\n\r\n";
        ChunkedReader reader;

        const auto first = reader.next(body);
        const auto second = reader.next(std::string_view(body).substr(first.consumed));

        CHECK(first.payload.data() == body.data() + 5);
        CHECK(first.payload.size() == 1'024);
        CHECK(first.consumed == 5 + 1'024);
        CHECK(second.payload.empty());
        CHECK(second.ended);
        CHECK(reader.next("more").consumed == 0);
        CHECK(reader.next("more").ended);
    }

    TEST_CASE("payload that went another way is skipped") {
        ChunkedReader reader;
        const auto head = reader.next("A\r\n012");
        REQUIRE(head.payload == "012");
        REQUIRE(reader.left_in_chunk() == 7);

        reader.skip(5);
        CHECK(reader.left_in_chunk() == 2);
        reader.skip(2);

        CHECK(reader.left_in_chunk() == 0);
        const auto end = reader.next("\r\n0\r\n\r\n");
        CHECK(end.ended);
        CHECK(end.consumed == 7);
    }

    TEST_CASE("nothing can be skipped before the size line is whole") {
        ChunkedReader reader;

        reader.next("A");
        CHECK(reader.left_in_chunk() == 0);
        reader.next(";x\r");
        CHECK(reader.left_in_chunk() == 0);
        reader.next("\n");
        CHECK(reader.left_in_chunk() == 10);
    }

    TEST_CASE("offsets count payload that was skipped") {
        ChunkedReader reader;
        reader.next("A\r\n");
        reader.skip(10);

        const auto step = reader.next("x");

        REQUIRE(step.refusal);
        CHECK(step.refusal->offset == 13);
    }

    TEST_CASE("bad bodies are refused at the byte at fault") {
        struct Row {
            std::string body;  // "^" marks the byte at fault and is taken out
            Reason reason;
        };
        const Row rows[] = {
            {"^\r\n", Reason::bad_chunk_size},
            {"^;a\r\n", Reason::bad_chunk_size},
            {"^-1\r\n", Reason::bad_chunk_size},
            {"^+1\r\na\r\n", Reason::bad_chunk_size},
            {"0^x5\r\nhello\r\n", Reason::bad_chunk_size},
            {"^x5\r\n", Reason::bad_chunk_size},
            {"1^_0\r\n", Reason::bad_chunk_size},
            {"^ 5\r\nhello\r\n", Reason::bad_chunk_size},
            {"5^ \r\nhello\r\n", Reason::bad_chunk_size},
            {"5^\t\r\nhello\r\n", Reason::bad_chunk_size},
            {"5^ ;a\r\nhello\r\n", Reason::bad_chunk_size},
            {"5^,\r\n", Reason::bad_chunk_size},
            {"5^g\r\n", Reason::bad_chunk_size},
            {"5^\0\r\n"s, Reason::bad_chunk_size},
            {"^\xef\xbc\x95\r\n", Reason::bad_chunk_size},
            {"5\r\nhello\r\n^\r\n", Reason::bad_chunk_size},
            {"0000000000000000^5\r\n", Reason::chunk_size_overflow},
            {"0000000000000000^0\r\n", Reason::chunk_size_overflow},
            {"100000000000000^1\r\n", Reason::chunk_size_overflow},
            {"fffffffffffffff^f\r\n", Reason::chunk_size_overflow},
            {"200000000000000^0\r\n", Reason::chunk_size_overflow},
            {"5^\nhello\r\n", Reason::bare_lf},
            {"5;a^\nhello\r\n", Reason::bare_lf},
            {"^\n", Reason::bare_lf},
            {"0^\n\r\n", Reason::bare_lf},
            {"0\r\n^\n", Reason::bare_lf},
            {"5^\rhello\r\n", Reason::bare_cr},
            {"5^\r\r\nhello\r\n", Reason::bare_cr},
            {"5;a^\rb\r\nhello\r\n", Reason::bare_cr},
            {"0\r\n^\rX", Reason::bare_cr},
            {"5;a=^\0\r\n"s, Reason::bad_chunk_line},
            {"5;a=^\x7f\r\n", Reason::bad_chunk_line},
            {"5;a=^\x0b\r\n", Reason::bad_chunk_line},
            {"5\r\nhello^\n0\r\n\r\n", Reason::bare_lf},
            {"5\r\nhello^!\r\n0\r\n\r\n", Reason::bad_chunk_line},
            {"5\r\nhello^0\r\n\r\n", Reason::bad_chunk_line},
            {"5\r\nhello^\rx", Reason::bare_cr},
            {"5\r\nhel\r\n^0\r\n\r\n", Reason::bad_chunk_line},
            {"1;" + std::string(1'022, 'x') + "^x\r\na\r\n", Reason::chunk_extension_too_long},
            {"1\r\na\r\n0;" + std::string(1'022, 'x') + "^x", Reason::chunk_extension_too_long},
        };

        for (const Row& row : rows) {
            CAPTURE(row.body.substr(0, 60));
            auto body = row.body;
            const auto at = body.find('^');
            REQUIRE(at != std::string::npos);
            body.erase(at, 1);
            // Where the row's body is at fault is known only once an LF is behind trailers.
            if (row.body.starts_with("0\r\n^\rX")) body += "\r\n";

            const auto outcome = read(body);

            CHECK(facts(outcome.reason).id == facts(row.reason).id);
            CHECK(outcome.offset == at);
            CHECK_FALSE(outcome.ended);
            CHECK(read(body, {1}) == outcome);
        }
    }

    TEST_CASE("the largest size is good") {
        ChunkedReader reader;

        const auto step = reader.next("1000000000000000\r\nx");

        CHECK_FALSE(step.refusal);
        CHECK(reader.left_in_chunk() == ChunkedReader::size_max - 1);
    }

    TEST_CASE("trailers of another form, or that decide what heads decide, are refused") {
        struct Row {
            std::string_view line;  // "^" marks the byte at fault
            Reason reason;
        };
        const Row rows[] = {
            {"X^ : y\r\n", Reason::space_before_colon},
            {"^ X: y\r\n", Reason::obsolete_fold},
            {"X: y\r\n^\tz\r\n", Reason::obsolete_fold},
            {"^: y\r\n", Reason::empty_field_name},
            {"X^\r\n", Reason::bad_field_name},
            {"X^(: y\r\n", Reason::bad_field_name},
            {"X: ^\x01\r\n", Reason::control_byte},
            {"X: y^\n\r\n", Reason::bare_lf},
            {"X: y^\rZ: 1\r\n", Reason::bare_cr},
            {"X: y\r\n^Transfer-Encoding: chunked\r\n", Reason::framing_field_in_trailer},
            {"^content-LENGTH: 5\r\n", Reason::framing_field_in_trailer},
            {"^Host: a\r\n", Reason::framing_field_in_trailer},
            {"^Connection: close\r\n", Reason::framing_field_in_trailer},
            {"^Trailer: a\r\n", Reason::framing_field_in_trailer},
            {"^TE: trailers\r\n", Reason::framing_field_in_trailer},
            {"^Upgrade: a\r\n", Reason::framing_field_in_trailer},
            {"^Authorization: a\r\n", Reason::framing_field_in_trailer},
            {"^Proxy-Authorization: a\r\n", Reason::framing_field_in_trailer},
            {"^Cookie: a\r\n", Reason::framing_field_in_trailer},
            {"^Set-Cookie: a\r\n", Reason::framing_field_in_trailer},
            {"^Content-Encoding: gzip\r\n", Reason::framing_field_in_trailer},
            {"^Content-Type: a\r\n", Reason::framing_field_in_trailer},
            {"^Content-Range: a\r\n", Reason::framing_field_in_trailer},
            {"^Expect: 100-continue\r\n", Reason::framing_field_in_trailer},
            {"^Max-Forwards: 1\r\n", Reason::framing_field_in_trailer},
            {"^Forwarded: for=a\r\n", Reason::framing_field_in_trailer},
            {"^X-Forwarded-For: a\r\n", Reason::framing_field_in_trailer},
            {"^X-Forwarded-Anything: a\r\n", Reason::framing_field_in_trailer},
        };

        for (const Row& row : rows) {
            CAPTURE(row.line);
            auto body = "1\r\na\r\n0\r\n" + std::string(row.line) + "\r\n";
            const auto at = body.find('^');
            REQUIRE(at != std::string::npos);
            body.erase(at, 1);

            const auto outcome = read(body);

            CHECK(facts(outcome.reason).id == facts(row.reason).id);
            CHECK(outcome.offset == at);
            CHECK(outcome.payload == "a");
        }
    }

    TEST_CASE("trailers may be as long as the limit and not a byte longer") {
        const auto limit = ChunkedReader::trailer_bytes_max;
        const auto trailer_of = [](std::size_t size) {
            return "X: " + std::string(size - 5, 'y') + "\r\n";
        };

        CHECK(read("0\r\n" + trailer_of(limit) + "\r\n").ended);
        const auto longer = read("0\r\n" + trailer_of(limit + 1) + "\r\n");
        CHECK(longer.reason == Reason::trailer_too_long);
        CHECK(longer.offset == 3 + limit);
        CHECK(read("0\r\n" + std::string(2 * limit, 'y')).reason == Reason::trailer_too_long);
        const auto two = read("0\r\n" + trailer_of(limit - 6) + trailer_of(7) + "\r\n");
        CHECK(two.reason == Reason::trailer_too_long);
    }

    TEST_CASE("a refusal stays") {
        ChunkedReader reader;
        REQUIRE(reader.next("x").refusal);

        const auto again = reader.next("5\r\nhello\r\n");

        REQUIRE(again.refusal);
        CHECK(again.refusal->reason == Reason::bad_chunk_size);
        CHECK(again.refusal->offset == 0);
        CHECK(again.consumed == 0);
    }

    TEST_CASE("how the input is cut changes nothing") {
        const std::string limits(ChunkedReader::trailer_bytes_max - 3, 'y');
        const std::string bodies[] = {
            "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\nZ: \r\n\r\nrest",
            "4\r\n\r\n0\r\r\n10\r\n0123456789abcdef\r\n0;x\r\n\r\n",
            "5\r\nhello\r\n0\r\nX: y\nZ: 1\r\n\r\n",
            "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
            "5\r\nhello\r\n0\r\nX:" + limits + "\r\n\r\n",
            "5\r\nhellox\n",
            "5;\x01\r\nhello",
        };

        for (const auto& body : bodies) {
            CAPTURE(body.substr(0, 60));
            const auto whole = read(body);
            CHECK(read(body, {1}) == whole);
            for (std::size_t cut = 1; cut < std::min<std::size_t>(body.size(), 60); ++cut) {
                CAPTURE(cut);
                CHECK(read(body, {cut, 1 << 20}) == whole);
                CHECK(read(body, {cut, 1, 1 << 20}) == whole);
            }
        }
    }

    TEST_CASE("random bodies, good and bad, read the same however they are cut") {
        const auto seed = std::random_device{}();
        CAPTURE(seed);
        std::mt19937 random(seed);
        const std::string_view parts[] = {"0",
                                          "5",
                                          "\r\n",
                                          "\r",
                                          "\n",
                                          "hello",
                                          ";a=b",
                                          "a",
                                          "X: y",
                                          "\r\n0\r\n",
                                          ":",
                                          " ",
                                          "3\r\nabc\r\n",
                                          "\r\n\r\n",
                                          "Host: x",
                                          "5\r\nhello\r\n"};
        const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };

        for (int round = 0; round < 2'000; ++round) {
            std::string body;
            if (below(2) == 0) body = "5\r\nhello\r\n";
            for (std::size_t n = 1 + below(8); n > 0; --n)
                body += parts[below(std::size(parts))];
            CAPTURE(body);
            const auto whole = read(body);
            CHECK(read(body, {1}) == whole);
            CHECK(read(body, {1 + below(4), 1 + below(4), 1 + below(4), 1 + below(4)}) == whole);
        }
    }
}
