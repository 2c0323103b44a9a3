#include "persistence/rdp_token.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise;
using namespace poise::persistence;
using namespace std::string_literals;
using State = RdpRequest::State;

namespace {

const std::string negotiation = "\1\0\x08\0\3\0\0\0"s;  // RDP_NEG_REQ: TLS and CredSSP

// A connection request as a client sends it, with `rest` behind the fixed part.
std::string packet(const std::string& rest) {
    const auto request = static_cast<char>(6 + rest.size());
    const std::size_t length = 11 + rest.size();
    std::string bytes{'\3', '\0', static_cast<char>(length >> 8), static_cast<char>(length)};
    return bytes + request + "\xe0\0\0\0\0\0"s + rest;
}

std::string server_of(const std::string& rest) {
    const RdpRequest request = read_rdp_request(packet(rest));
    CHECK(request.state == State::found);
    CHECK(request.user.empty());
    return request.server ? to_string(*request.server) : "none";
}

State state_of(const std::string& bytes) {
    return read_rdp_request(bytes).state;
}

}  // namespace

TEST_SUITE("persistence/rdp_token") {
    // The bytes of MS-RDPBCGR section 4.1.1.
    TEST_CASE("the specification's own packet tells the user") {
        const std::string bytes =
            "\x03\x00\x00\x2c\x27\xe0\x00\x00\x00\x00\x00\x43\x6f\x6f\x6b\x69\x65\x3a\x20\x6d\x73"
            "\x74\x73\x68\x61\x73\x68\x3d\x65\x6c\x74\x6f\x6e\x73\x0d\x0a\x01\x00\x08\x00\x00\x00"
            "\x00\x00"s;
        const RdpRequest request = read_rdp_request(bytes);
        CHECK(request.state == State::found);
        CHECK(request.user == "eltons");
        CHECK_FALSE(request.server);
        for (std::size_t cut = 0; cut < bytes.size(); ++cut)
            CHECK(state_of(bytes.substr(0, cut)) == State::needs_more);
        CHECK(read_rdp_request(bytes + "more").user == "eltons");
    }

    TEST_CASE("a routing token names a server, its bytes the other way round") {
        struct Row {
            std::string line;
            std::string server;
        };
        const Row rows[] = {
            {"Cookie: msts=3640205228.15629.0000", "172.31.249.216:3389"},
            {"Cookie: msts=3640205228.15629.", "172.31.249.216:3389"},
            {"Cookie: msts=3640205228.15629.0000 ", "172.31.249.216:3389"},
            {"Cookie: msts=16777343.15629.0000", "127.0.0.1:3389"},
            {"Cookie: msts=0.0.0000", "0.0.0.0:0"},
            {"Cookie: msts=4294967295.65535.0000", "255.255.255.255:65535"},
            {"Cookie: msts=3640205228.15629", "none"},  // the point is required
            {"Cookie: msts=3640205228", "none"},
            {"Cookie: msts=3640205228.", "none"},
            {"Cookie: msts=", "none"},
            {"Cookie: msts=4294967296.15629.0000", "none"},
            {"Cookie: msts=3640205228.65536.0000", "none"},
            {"Cookie: msts=-1.15629.0000", "none"},
            {"Cookie: msts=+1.15629.0000", "none"},
            {"Cookie: msts= 1.15629.0000", "none"},
            {"Cookie: msts=0x7f.15629.0000", "none"},
            {"Cookie: msts=[2001:db8::1].15629.0000", "none"},
            {"cookie: msts=3640205228.15629.0000", "none"},  // "case-sensitive"
            {"X: msts=3640205228.15629.0000", "none"},
            {"tsv://MS Terminal Services Plugin.1.Farm", "none"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.line);
            CHECK(server_of(row.line + "\r\n" + negotiation) == row.server);
            CHECK(server_of(row.line + "\r\n") == row.server);
            CHECK(server_of(row.line) == "none");  // without its end it is no line
        }
    }

    TEST_CASE("a client that says nothing of itself is one all the same") {
        for (const std::string& rest : {""s, negotiation, "Cookie: mstshash=\r\n"s, "\r\n"s}) {
            const RdpRequest request = read_rdp_request(packet(rest));
            CHECK(request.state == State::found);
            CHECK(request.user.empty());
            CHECK_FALSE(request.server);
        }
        CHECK(read_rdp_request(packet("Cookie: mstshash=DOM\\user1\r\n")).user == "DOM\\user1");
    }

    TEST_CASE("other first packets are no RDP, as soon as that shows") {
        const std::string good = packet("Cookie: mstshash=a\r\n");
        const std::string rows[] = {
            "G"s,
            "\x16\3\1"s,
            "\3\1"s,            // the reserved byte
            "\3\0\2"s,          // longer than a request can be
            "\3\0\0\x0b\x05"s,  // shorter than one is
            "\3\0\0\x0c\x06"s,  // the two lengths disagree
            "\3\0\0\x0a\x06"s,
            "\3\0\1\4\xff"s,      // a reserved length
            "\3\0\0\x0b\6\xd0"s,  // a confirm
            "\3\0\0\x0b\6\xf0"s,  // data
            good.substr(0, 5) + '\xe1' + good.substr(6),
        };
        for (const std::string& bytes : rows) {
            CAPTURE(bytes.size());
            CHECK(state_of(bytes) == State::not_rdp);
            if (bytes.size() < 11) CHECK(state_of(bytes + std::string(300, 'x')) == State::not_rdp);
        }
        CHECK(state_of(packet(std::string(248, 'x'))) == State::found);
        CHECK(packet(std::string(248, 'x')).size() == rdp_request_bytes_max);
    }
}
