#include "proxy/proxy_header.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise;
using namespace poise::proxy;
using namespace std::string_literals;
using State = ProxyHeader::State;

namespace {

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

// A version 2 header with a right length field.
std::string v2(char command, char family, const std::string& rest) {
    std::string bytes = signature + command + family;
    bytes += static_cast<char>(rest.size() >> 8);
    bytes += static_cast<char>(rest.size() & 0xff);
    return bytes + rest;
}

const std::string v4_pair = "\x0a\0\0\x01\x0a\0\0\x02\x1f\x90\x01\xbb"s;  // 8080 and 443
const std::string v6_pair =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\x1f\x90\x01\xbb"s;

// Parses `bytes` cut at every place: every cut must need more, or find the same error.
ProxyHeader parse_in_pieces(const std::string& bytes) {
    const ProxyHeader whole = parse_proxy_header(bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        CAPTURE(cut);
        const ProxyHeader part = parse_proxy_header(std::string_view{bytes}.substr(0, cut));
        if (whole.state == State::done && cut >= whole.consumed) break;
        if (part.state == State::needs_more) continue;
        CHECK(part.state == State::error);
        CHECK(whole.state == State::error);
        CHECK(part.offset == whole.offset);
        CHECK(part.what == whole.what);
    }
    return whole;
}

}  // namespace

TEST_SUITE("proxy/proxy_header") {
    TEST_CASE("version 1 gives both addresses, and what follows is not touched") {
        const auto header = parse_in_pieces("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\nGET /");
        REQUIRE(header.state == State::done);
        CHECK_FALSE(header.local);
        CHECK(header.version == 1);
        CHECK(header.consumed == 41);
        CHECK(to_string(header.source) == "192.0.2.1:56324");
        CHECK(to_string(header.destination) == "10.0.0.1:443");
    }

    TEST_CASE("version 1 gives IPv6 addresses") {
        const auto header = parse_in_pieces("PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 0 65535\r\n");
        REQUIRE(header.state == State::done);
        CHECK(ip_to_string(header.source) == "2001:db8::1");
        CHECK(header.source.port == 0);
        CHECK(header.destination.is_v4());
        CHECK(header.destination.port == 65'535);
    }

    TEST_CASE("version 1 with an unknown family counts as the connection itself") {
        for (const std::string line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN a b  c\r\n",
                                       "PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n"}) {
            const auto header = parse_in_pieces(line);
            REQUIRE(header.state == State::done);
            CHECK(header.local);
            CHECK(header.consumed == line.size());
        }
    }

    TEST_CASE("the longest line of version 1 is taken, one byte more is not") {
        const std::string start = "PROXY UNKNOWN ";
        const std::string longest = start + std::string(107 - 2 - start.size(), 'x') + "\r\n";
        CHECK(parse_in_pieces(longest).state == State::done);
        const auto header =
            parse_in_pieces(start + std::string(108 - 2 - start.size(), 'x') + "\r\n");
        CHECK(header.state == State::error);
        CHECK(parse_proxy_header("PROXY " + std::string(101, 'x')).state == State::error);
        CHECK(parse_proxy_header("PROXY " + std::string(100, 'x')).state == State::needs_more);
    }

    TEST_CASE("a bad line of version 1 is refused at its bad word") {
        struct Row {
            std::string_view line;
            std::size_t offset;
        };
        const Row rows[] = {
            {"PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n", 6},
            {"PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n", 6},
            {"PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", 6},
            {"PROXY \r\n", 6},
            {"PROXY UNKNOWNX\r\n", 6},
            {"PROXY TCP4\r\n", 10},
            {"PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n", 19},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", 28},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n", 31},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", 31},
            {"PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n", 11},
            {"PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n", 11},
            {"PROXY TCP4 ::1 2.2.2.2 1 2\r\n", 11},
            {"PROXY TCP6 1.1.1.1 ::1 1 2\r\n", 11},
            {"PROXY TCP6 ::1 ::1%lo 1 2\r\n", 15},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n", 27},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n", 27},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", 27},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n", 27},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2x\r\n", 29},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", 30},
            {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rX", 30},
            {"PROXY TCP4 1.1.1.1\r 2.2.2.2 1 2\r\n", 18},
        };
        for (const Row& row : rows) {
            CAPTURE(row.line);
            const auto header = parse_in_pieces(std::string{row.line});
            CHECK(header.state == State::error);
            CHECK(header.offset == row.offset);
            CHECK_FALSE(header.what.empty());
        }
    }

    TEST_CASE("what starts like no header is refused at the first wrong byte") {
        CHECK(parse_proxy_header("GET / HTTP/1.1").state == State::error);
        CHECK(parse_proxy_header("GET / HTTP/1.1").offset == 0);
        CHECK(parse_proxy_header("POST / HTTP/1.1").offset == 1);
        CHECK(parse_proxy_header("PROXY\t").offset == 5);
        CHECK(parse_proxy_header("\r\n\r\nX").offset == 4);
        CHECK(parse_proxy_header("\x16\x03\x01").offset == 0);
        CHECK(parse_proxy_header("").state == State::needs_more);
        CHECK(parse_proxy_header("PROX").state == State::needs_more);
        CHECK(parse_proxy_header(signature).state == State::needs_more);
    }

    TEST_CASE("version 2 gives IPv4 addresses, of TCP and of UDP") {
        for (const char family : {'\x11', '\x12'}) {
            const auto header = parse_in_pieces(v2('\x21', family, v4_pair) + "GET /");
            REQUIRE(header.state == State::done);
            CHECK(header.version == 2);
            CHECK_FALSE(header.local);
            CHECK(header.consumed == 28);
            CHECK(to_string(header.source) == "10.0.0.1:8080");
            CHECK(to_string(header.destination) == "10.0.0.2:443");
        }
    }

    TEST_CASE("version 2 gives IPv6 addresses") {
        const auto header = parse_in_pieces(v2('\x21', '\x21', v6_pair));
        REQUIRE(header.state == State::done);
        CHECK(header.consumed == 52);
        CHECK(to_string(header.source) == "[2001:db8::1]:8080");
        CHECK(to_string(header.destination) == "[2001:db8::2]:443");
    }

    TEST_CASE("LOCAL, no family and unix sockets count as the connection itself") {
        const std::string rows[] = {
            v2('\x20', '\x00', ""),
            v2('\x20', '\x11', v4_pair),
            v2('\x20', '\x7f', "anything"),  // with LOCAL the family does not count
            v2('\x21', '\x00', ""),
            v2('\x21', '\x00', "anything"),
            v2('\x21', '\x31', std::string(216, 'p')),
            v2('\x21', '\x32', std::string(216, '\0')),
        };
        for (const std::string& bytes : rows) {
            const auto header = parse_in_pieces(bytes);
            REQUIRE(header.state == State::done);
            CHECK(header.local);
            CHECK(header.consumed == bytes.size());
        }
    }

    TEST_CASE("TLVs are skipped") {
        const std::string tlvs = "\x04\0\x02pp"s + "\x02\0\x0b"s + "example.com" + "\xe0\0\0"s;
        const auto header = parse_in_pieces(v2('\x21', '\x11', v4_pair + tlvs));
        REQUIRE(header.state == State::done);
        CHECK(header.consumed == 28 + tlvs.size());
        CHECK(to_string(header.source) == "10.0.0.1:8080");
    }

    TEST_CASE("a bad header of version 2 is refused at its bad byte") {
        struct Row {
            std::string bytes;
            std::size_t offset;
        };
        const Row rows[] = {
            {v2('\x11', '\x11', v4_pair), 12},
            {v2('\x31', '\x11', v4_pair), 12},
            {v2('\x22', '\x11', v4_pair), 12},
            {v2('\x21', '\x13', v4_pair), 13},
            {v2('\x21', '\x10', v4_pair), 13},
            {v2('\x21', '\x01', v4_pair), 13},
            {v2('\x21', '\x41', v4_pair), 13},
            {v2('\x21', '\x11', v4_pair.substr(1)), 14},
            {v2('\x21', '\x11', ""), 14},
            {v2('\x21', '\x21', v4_pair), 14},
            {v2('\x21', '\x31', std::string(215, 'p')), 14},
            {v2('\x21', '\x11', v4_pair + "\x01"), 28},
            {v2('\x21', '\x11', v4_pair + "\x01\0"s), 28},
            {v2('\x21', '\x11', v4_pair + "\x01\0\x01"s), 28},
            {v2('\x21', '\x11', v4_pair + "\x01\0\x01x\x02\xff\xff"s), 32},
            {v2('\x21', '\x11', std::string(521, '\0')), 14},
        };
        for (const Row& row : rows) {
            CAPTURE(row.offset);
            const auto header = parse_in_pieces(row.bytes);
            CHECK(header.state == State::error);
            CHECK(header.offset == row.offset);
        }
    }

    TEST_CASE("version 2 takes 536 bytes in all") {
        const std::string tlv = "\x04\x01\xf9"s + std::string(505, '\0');
        const std::string longest = v2('\x21', '\x11', v4_pair + tlv);
        REQUIRE(longest.size() == 536);
        CHECK(parse_in_pieces(longest).state == State::done);
    }

    TEST_CASE("what is written is read back, for every pair of families") {
        struct Row {
            std::string_view source, destination;
            std::string_view line;
        };
        const Row rows[] = {
            {"192.0.2.1:1234", "10.0.0.1:80", "PROXY TCP4 192.0.2.1 10.0.0.1 1234 80\r\n"},
            {"[2001:db8::1]:1234", "[2001:db8::2]:80",
             "PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n"},
            {"[2001:db8::1]:1234", "10.0.0.1:80",
             "PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 1234 80\r\n"},
            {"192.0.2.1:1234", "[2001:db8::2]:80",
             "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1234 80\r\n"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.line);
            const Address source = parse_address(row.source).value();
            const Address destination = parse_address(row.destination).value();
            for (const auto version : {config::ProxyProtocol::v1, config::ProxyProtocol::v2}) {
                std::string out = "before";
                append_proxy_header(out, version, source, destination);
                REQUIRE(out.starts_with("before"));
                out.erase(0, 6);

                const auto header = parse_in_pieces(out);

                REQUIRE(header.state == State::done);
                CHECK(header.consumed == out.size());
                CHECK(header.source == source);
                CHECK(header.destination == destination);
                if (version == config::ProxyProtocol::v1) CHECK(out == row.line);
            }
        }
    }

    TEST_CASE("the bytes of version 2 are those of the protocol's text") {
        std::string out;
        append_proxy_header(out, config::ProxyProtocol::v2, parse_address("10.0.0.1:8080").value(),
                            parse_address("10.0.0.2:443").value());
        CHECK(out == v2('\x21', '\x11', v4_pair));
        out.clear();
        append_proxy_header(out, config::ProxyProtocol::v2,
                            parse_address("[2001:db8::1]:8080").value(),
                            parse_address("[2001:db8::2]:443").value());
        CHECK(out == v2('\x21', '\x21', v6_pair));
    }

    TEST_CASE("our own connections say that they are ours") {
        for (const auto version : {config::ProxyProtocol::v1, config::ProxyProtocol::v2}) {
            std::string out;
            append_local_proxy_header(out, version);
            const auto header = parse_in_pieces(out);
            CHECK(header.state == State::done);
            CHECK(header.local);
            CHECK(header.consumed == out.size());
        }
    }
}
