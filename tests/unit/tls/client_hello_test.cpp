#include "tls/client_hello.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace poise;
using namespace poise::tls;
using namespace std::string_literals;
using State = ClientHello::State;

namespace {

std::string length16(const std::string& bytes) {
    return {static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size() & 0xff)};
}

std::string vector16(const std::string& bytes) {
    return length16(bytes) + bytes;
}

std::string vector8(const std::string& bytes) {
    return static_cast<char>(bytes.size()) + bytes;
}

std::string extension(int type, const std::string& data) {
    return std::string{static_cast<char>(type >> 8), static_cast<char>(type & 0xff)} +
           vector16(data);
}

std::string server_name(const std::string& host) {
    return extension(0, vector16('\0' + vector16(host)));
}

std::string message(const std::string& body) {
    std::string bytes{'\1', static_cast<char>(body.size() >> 16)};
    return bytes + length16(body) + body;
}

std::string record(const std::string& fragment) {
    return "\x16\x03\x01" + vector16(fragment);
}

// Everything before the extensions.
const std::string start =
    "\3\3" + std::string(32, 'r') + vector8("") + vector16("\x13\1"s) + vector8("\0"s);

std::string hello(const std::string& extensions) {
    return record(message(start + vector16(extensions)));
}

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return bytes;
}

// What OpenSSL 3.0 sends for: s_client -servername a.example.com -alpn h2,http/1.1 -tls1_2
const std::string from_openssl = from_hex(
    "16030100df010000db03032d531c609408fdb080c550479d4d5e77ca8ac04df7793f7da212545c71743497000038"
    "c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c"
    "003d003c0035002f00ff0100007a00000012001000000d612e6578616d706c652e636f6d000b000403000102000a"
    "000c000a001d0017001e00190018002300000010000e000c02683208687474702f312e310016000000170000000d"
    "002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602");

State state_of(const std::string& bytes) {
    return read_client_hello(bytes).state;
}

}  // namespace

TEST_SUITE("tls/client_hello") {
    TEST_CASE("a real client's name and protocols are found, and every cut needs more") {
        const ClientHello found = read_client_hello(from_openssl);
        REQUIRE(found.state == State::found);
        CHECK(found.server_name == "a.example.com");
        CHECK(found.alpn == std::vector<std::string>{"h2", "http/1.1"});
        for (std::size_t cut = 0; cut < from_openssl.size(); ++cut) {
            CAPTURE(cut);
            CHECK(state_of(from_openssl.substr(0, cut)) == State::needs_more);
        }
    }

    TEST_CASE("what follows the message is not looked at") {
        CHECK(state_of(from_openssl + "early data") == State::found);
        CHECK(state_of(record(from_openssl.substr(5) + "another message")) == State::found);
    }

    TEST_CASE("a message in records of any size reads the same") {
        const std::string bytes = from_openssl.substr(5);
        for (const std::size_t size : {1U, 2U, 3U, 4U, 5U, 100U, 213U}) {
            CAPTURE(size);
            std::string records;
            for (std::size_t at = 0; at < bytes.size(); at += size)
                records += record(bytes.substr(at, size));
            for (std::size_t cut = 0; cut < records.size(); cut += 11)
                CHECK(state_of(records.substr(0, cut)) == State::needs_more);
            const ClientHello found = read_client_hello(records);
            REQUIRE(found.state == State::found);
            CHECK(found.server_name == "a.example.com");
        }
    }

    TEST_CASE("names are compared without case and without the root's dot") {
        struct Row {
            std::string sent;
            std::string name;
        };
        const Row rows[] = {
            {"A.Example.COM", "a.example.com"}, {"a.example.com.", "a.example.com"},
            {"10.0.0.1", "10.0.0.1"},           {"b\xc3\xbc.example", "b\xc3\xbc.example"},
            {"with space", "with space"},       {std::string(255, 'x'), std::string(255, 'x')}};
        for (const Row& row : rows) {
            CAPTURE(row.sent);
            const ClientHello found = read_client_hello(hello(server_name(row.sent)));
            REQUIRE(found.state == State::found);
            CHECK(found.server_name == row.name);
        }
    }

    TEST_CASE("no extensions, or none that says anything, is a hello without a name") {
        for (const std::string& bytes :
             {record(message(start)), hello(""), hello(extension(43, "\2\3\4"s)),
              hello(extension(0xfe0d, "grease"))}) {
            const ClientHello found = read_client_hello(bytes);
            REQUIRE(found.state == State::found);
            CHECK(found.server_name.empty());
            CHECK(found.alpn.empty());
        }
    }

    TEST_CASE("what is no TLS is told by its first bytes") {
        for (const std::string& bytes :
             {"GET / HTTP/1.1\r\n"s, "\x80\x2e\1\0\2"s, "\x16\2"s, "\x15\3\1\0\2\1\0"s, "\3"s}) {
            CAPTURE(bytes);
            CHECK(state_of(bytes) == State::not_tls);
        }
    }

    TEST_CASE("what breaks the rules of its kind is malformed") {
        const std::string name = server_name("a.example");
        const std::string rows[] = {
            "\x16\3\1\0\0"s,                       // an empty record
            "\x16\3\1\x40\1"s,                     // longer than records are
            record("\2\0\0\1x"s),                  // a ServerHello
            record("\1"s) + "\x15\3\1\0\2\1\0"s,   // an alert within the message
            record(message("")),                   // nothing in it
            record(message(start.substr(0, 20))),  // ends in its random
            record(message("\3\3" + std::string(32, 'r') + vector8(std::string(33, 's')) +
                           start.substr(35))),  // session id too long
            record(message(start.substr(0, 35) + vector16("") + vector8("\0"s))),
            record(message(start.substr(0, 35) + vector16("\x13\1\1"s) + vector8("\0"s))),
            record(message(start.substr(0, 35) + vector16("\x13\1"s) + vector8(""))),
            record(message(start + vector16(name) + "x")),  // more than its extensions
            record(message(start + "\0\x09"s + name)),      // extensions cut within one
            record(message(start + "\0"s)),                 // half a length
            hello(name + name),                             // two of a kind
            hello(extension(16, vector16(vector8("h2"))) + extension(16, vector16(vector8("x")))),
            hello(extension(0, "")),
            hello(extension(0, vector16(""))),
            hello(extension(0, vector16('\0' + vector16("")))),
            hello(extension(0, vector16('\1' + vector16("a")))),  // a type that is none
            hello(extension(0, vector16('\0' + vector16("a") + '\0' + vector16("b")))),
            hello(extension(0, vector16('\0' + vector16("a")) + "x")),
            hello(extension(0, vector16('\0' + "\0\5ab"s))),  // longer than its list
            hello(server_name("a\0b"s)),
            hello(server_name(std::string(256, 'x'))),
            hello(extension(16, "")),
            hello(extension(16, vector16(""))),
            hello(extension(16, vector16(vector8("")))),
            hello(extension(16, vector16(vector8("h2") + "\5h"))),
            hello(extension(16, vector16(vector8("h2")) + "x")),
        };
        for (std::size_t i = 0; i < std::size(rows); ++i) {
            CAPTURE(i);
            const ClientHello found = read_client_hello(rows[i]);
            CHECK(found.state == State::malformed);
            CHECK(found.server_name.empty());
        }
    }

    TEST_CASE("a hello is read up to the limit and not beyond") {
        const std::size_t rest = client_hello_bytes_max - hello(extension(21, "")).size();
        CHECK(state_of(hello(extension(21, std::string(rest, '\0')))) == State::found);
        const std::string longer = hello(extension(21, std::string(rest + 1, '\0')));
        CHECK(state_of(longer) == State::too_long);
        CHECK(state_of(longer.substr(0, client_hello_bytes_max - 1)) == State::needs_more);
        // One that says so itself is not waited for; nor are endless small records.
        CHECK(state_of("\x16\3\1\0\4\1\0\x40\1"s) == State::too_long);
        std::string drops = record("\1\0\x20\0"s);
        while (drops.size() < client_hello_bytes_max)
            drops += record("x");
        CHECK(state_of(drops) == State::too_long);
    }
}
