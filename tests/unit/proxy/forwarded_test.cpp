#include "proxy/forwarded.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace poise;
using namespace poise::proxy;
using config::Forwarded;

namespace {

const std::vector<Prefix> trusted{parse_prefix("10.0.0.0/8").value(),
                                  parse_prefix("2001:db8:1::/48").value()};

Address ip(std::string_view text) {
    return parse_ip(text).value();
}

RequestHead request(std::string_view authority, std::vector<Field> fields = {}) {
    RequestHead head;
    head.authority = authority;
    head.fields = std::move(fields);
    return head;
}

Field field_for(std::string_view value) {
    return {"X-Forwarded-For", value, FieldId::x_forwarded_for};
}

std::string written(Forwarded mode, std::string_view peer, const RequestHead& head,
                    bool tls = false) {
    const Forwarder forwarder(mode, trusted, ip(peer), tls);
    std::string out;
    forwarder.append(out, head, forwarder.effective_client(head));
    return out;
}

std::string client_of(std::string_view peer, std::vector<Field> fields) {
    const Forwarder forwarder(Forwarded::append, trusted, ip(peer), false);
    return ip_to_string(forwarder.effective_client(request("a", std::move(fields))));
}

}  // namespace

TEST_SUITE("proxy/forwarded") {
    TEST_CASE("who is not trusted is the client, whatever he says") {
        CHECK(client_of("192.0.2.1", {field_for("198.51.100.1")}) == "192.0.2.1");
    }

    TEST_CASE("behind trusted proxies the rightmost address that is not trusted is the client") {
        struct Row {
            std::vector<std::string_view> values;
            std::string_view client;
        };
        const Row rows[] = {
            {{}, "10.0.0.1"},
            {{""}, "10.0.0.1"},
            {{"198.51.100.1"}, "198.51.100.1"},
            {{"198.51.100.1, 203.0.113.1"}, "203.0.113.1"},
            {{"198.51.100.1,10.0.0.2 ,\t10.0.0.3"}, "198.51.100.1"},
            {{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
            {{"198.51.100.1, 10.0.0.2", "203.0.113.1"}, "203.0.113.1"},
            {{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
            {{"198.51.100.1, unknown"}, "10.0.0.1"},
            {{"unknown, 10.0.0.2"}, "10.0.0.2"},
            {{"198.51.100.1, , 10.0.0.2,"}, "198.51.100.1"},
            {{"198.51.100.1:1234"}, "198.51.100.1"},
            {{"[2001:db8:9::1]:1234"}, "2001:db8:9::1"},
            {{"[2001:db8:9::1]"}, "2001:db8:9::1"},
            {{"2001:db8:9::1"}, "2001:db8:9::1"},
            {{"198.51.100.1, 2001:db8:1::5"}, "198.51.100.1"},
            {{"203.0.113.9, 198.51.100.1x"}, "10.0.0.1"},
        };
        for (const Row& row : rows) {
            std::vector<Field> fields{{"Host", "a", FieldId::host}};
            for (const auto value : row.values)
                fields.push_back(field_for(value));
            CAPTURE(row.client);
            CHECK(client_of("10.0.0.1", fields) == row.client);
        }
    }

    TEST_CASE("addresses are read with and without ports, garbage is not") {
        CHECK(to_string(parse_forwarded_address("1.2.3.4:80").value()) == "1.2.3.4:80");
        CHECK(to_string(parse_forwarded_address("[::1]:80").value()) == "[::1]:80");
        CHECK(parse_forwarded_address("1.2.3.4").value().port == 0);
        for (const std::string_view bad :
             {"", "unknown", "_hidden", "1.2.3", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "[::1",
              "[::1]x", "[::1]:", "[1.2.3.4]", "[]", "\"1.2.3.4\"", "1.2.3.4:-1", "::1%eth0"}) {
            CAPTURE(bad);
            CHECK_FALSE(parse_forwarded_address(bad).has_value());
        }
    }

    TEST_CASE("for a client without proxies all fields are fresh") {
        CHECK(written(Forwarded::append, "192.0.2.1", request("example.com")) ==
              "X-Forwarded-For: 192.0.2.1\r\n"
              "X-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: example.com\r\n"
              "Forwarded: for=192.0.2.1;proto=http;host=example.com\r\n");
    }

    TEST_CASE("IPv6 and ports are quoted in Forwarded only") {
        CHECK(written(Forwarded::append, "2001:db8::1", request("example.com:8443"), true) ==
              "X-Forwarded-For: 2001:db8::1\r\n"
              "X-Forwarded-Proto: https\r\n"
              "X-Forwarded-Host: example.com:8443\r\n"
              "Forwarded: for=\"[2001:db8::1]\";proto=https;host=\"example.com:8443\"\r\n");
    }

    TEST_CASE("a request without a host has no host fields") {
        CHECK(written(Forwarded::append, "192.0.2.1", request("")) ==
              "X-Forwarded-For: 192.0.2.1\r\n"
              "X-Forwarded-Proto: http\r\n"
              "Forwarded: for=192.0.2.1;proto=http\r\n");
    }

    TEST_CASE("quotes in a host cannot break out of Forwarded") {
        const std::string out = written(Forwarded::append, "192.0.2.1", request("a\";for=\\x"));
        CHECK(out.find(";host=\"a\\\";for=\\\\x\"\r\n") != std::string::npos);
    }

    TEST_CASE("what a client that is not trusted says is dropped") {
        const auto head = request("a", {field_for("1.1.1.1"),
                                        {"X-Forwarded-Proto", "https", FieldId::x_forwarded_proto},
                                        {"X-Forwarded-Host", "evil", FieldId::x_forwarded_host},
                                        {"Forwarded", "for=1.1.1.1", FieldId::forwarded}});
        for (const auto mode : {Forwarded::append, Forwarded::replace}) {
            CHECK(written(mode, "192.0.2.1", head) ==
                  "X-Forwarded-For: 192.0.2.1\r\n"
                  "X-Forwarded-Proto: http\r\n"
                  "X-Forwarded-Host: a\r\n"
                  "Forwarded: for=192.0.2.1;proto=http;host=a\r\n");
        }
    }

    TEST_CASE("what a trusted proxy says is kept and added to") {
        const auto head =
            request("inner", {field_for("198.51.100.1"),
                              field_for("10.0.0.7"),
                              {"X-Forwarded-Proto", "https", FieldId::x_forwarded_proto},
                              {"X-Forwarded-Host", "outer", FieldId::x_forwarded_host},
                              {"Forwarded", "for=198.51.100.1;proto=https", FieldId::forwarded},
                              {"Forwarded", "for=10.0.0.7", FieldId::forwarded}});
        CHECK(written(Forwarded::append, "10.0.0.1", head) ==
              "X-Forwarded-For: 198.51.100.1, 10.0.0.7, 10.0.0.1\r\n"
              "X-Forwarded-Proto: https\r\n"
              "X-Forwarded-Host: outer\r\n"
              "Forwarded: for=198.51.100.1;proto=https, for=10.0.0.7, "
              "for=10.0.0.1;proto=http;host=inner\r\n");
    }

    TEST_CASE("a trusted proxy's X-Forwarded-For becomes a Forwarded with the same chain") {
        const auto head =
            request("a", {field_for("2001:db8:9::1, unknown, 10.0.0.7:1234"),
                          {"X-Forwarded-Proto", "https", FieldId::x_forwarded_proto}});
        const std::string out = written(Forwarded::append, "10.0.0.1", head);
        CHECK(out.find("Forwarded: for=\"[2001:db8:9::1]\";proto=https, for=unknown, "
                       "for=10.0.0.7, for=10.0.0.1;proto=http;host=a\r\n") != std::string::npos);
        CHECK(
            out.starts_with("X-Forwarded-For: 2001:db8:9::1, unknown, 10.0.0.7:1234, 10.0.0.1\r"));
    }

    TEST_CASE("replace tells one client, the effective one") {
        const auto head =
            request("a", {field_for("198.51.100.1, 10.0.0.7"),
                          {"X-Forwarded-Proto", "https", FieldId::x_forwarded_proto}});
        CHECK(written(Forwarded::replace, "10.0.0.1", head) ==
              "X-Forwarded-For: 198.51.100.1\r\n"
              "X-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: a\r\n"
              "Forwarded: for=198.51.100.1;proto=http;host=a\r\n");
    }

    TEST_CASE("off writes nothing and lets the request's own fields pass") {
        const Forwarder forwarder(Forwarded::off, trusted, ip("10.0.0.1"), false);
        const auto head = request("a", {field_for("198.51.100.1")});
        std::string out;
        forwarder.append(out, head, forwarder.effective_client(head));
        CHECK(out.empty());
        CHECK_FALSE(forwarder.writes(FieldId::x_forwarded_for));
        CHECK(ip_to_string(forwarder.effective_client(head)) == "198.51.100.1");
    }

    TEST_CASE("the fields that are written are the ones not to copy") {
        const Forwarder forwarder(Forwarded::append, {}, ip("10.0.0.1"), false);
        CHECK_FALSE(forwarder.peer_trusted());
        for (const auto id : {FieldId::x_forwarded_for, FieldId::x_forwarded_proto,
                              FieldId::x_forwarded_host, FieldId::forwarded})
            CHECK(forwarder.writes(id));
        CHECK_FALSE(forwarder.writes(FieldId::host));
        CHECK_FALSE(forwarder.writes(FieldId::other));
    }

    TEST_CASE("the longest address fits") {
        CHECK(written(Forwarded::append, "1111:2222:3333:4444:5555:6666:7777:8888", request(""))
                  .starts_with("X-Forwarded-For: 1111:2222:3333:4444:5555:6666:7777:8888\r\n"));
    }

    TEST_CASE("a Forwarder is small: every connection has one") {
        CHECK(sizeof(Forwarder) <= 96);
    }
}
