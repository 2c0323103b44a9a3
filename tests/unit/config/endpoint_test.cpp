#include "config/endpoint.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::config;

TEST_SUITE("config/endpoint") {
    TEST_CASE("an endpoint is an address or a name, with or without a port") {
        struct Row {
            std::string_view text;
            std::string_view host;
            int port;
            bool is_address;
        };
        const Row rows[] = {
            {"10.0.0.1:80", "10.0.0.1", 80, true},
            {"10.0.0.1", "10.0.0.1", 0, true},
            {"[2001:DB8::1]:80", "2001:db8::1", 80, true},
            {"[2001:db8::1]", "2001:db8::1", 0, true},
            {"2001:db8::1", "2001:db8::1", 0, true},
            {"web1.example.com:8080", "web1.example.com", 8080, false},
            {"my_app-1:1", "my_app-1", 1, false},
            {"localhost:65535", "localhost", 65'535, false},
            {"web.example.com.:80", "web.example.com.", 80, false},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto endpoint = parse_endpoint(row.text);
            REQUIRE(endpoint);
            CHECK(endpoint->host == row.host);
            CHECK(endpoint->port == row.port);
            CHECK(endpoint->address.has_value() == row.is_address);
            if (endpoint->address) CHECK(endpoint->address->port == row.port);
            const auto again = parse_endpoint(format_endpoint(endpoint->host, endpoint->port));
            REQUIRE(again);
            CHECK(again->host == endpoint->host);
            CHECK(again->address == endpoint->address);
        }
    }

    TEST_CASE("what is no endpoint is refused with what it looks like") {
        struct Row {
            std::string_view text;
            std::string_view message;
        };
        const Row rows[] = {
            {"10.0.0.1:0", "must have a port from 1 to 65535, found '10.0.0.1:0'"},
            {"10.0.0.1:65536", "must have a port from 1 to 65535, found '10.0.0.1:65536'"},
            {"10.0.0.1:-1", "must have a port from 1 to 65535, found '10.0.0.1:-1'"},
            {"10.0.0.1:http", "must end in a port number, found '10.0.0.1:http'"},
            {"10.0.0.1:", "must end in a port number, found '10.0.0.1:'"},
            {"10.0.0.256:80", "is not an IPv4 address: '10.0.0.256:80'"},
            {"10.0.0:80", "is not an IPv4 address: '10.0.0:80'"},
            {"010.0.0.1:80", "is not an IPv4 address: '010.0.0.1:80'"},
            {"[2001:db8::g]:80", "is not an IPv6 address: '[2001:db8::g]:80'"},
            {"2001:db8::1:99999", "is not an IPv6 address: '2001:db8::1:99999'"},
            {"[fe80::1%eth0]:80", "must be an address without a zone, found '[fe80::1%eth0]:80'"},
            {"http://a:80/", "must be an address and a port, found the URL 'http://a:80/'"},
            {"-web:80", "must be an address or a host name and a port, found '-web:80'"},
            {"we b:80", "must be an address or a host name and a port, found 'we b:80'"},
            {"a..b:80", "must be an address or a host name and a port, found 'a..b:80'"},
            {"[web]:80", "must be an address or a host name and a port, found '[web]:80'"},
            {"[::1", "is not an IPv6 address: '[::1'"},
            {"", "must be an address or a host name and a port, found ''"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto endpoint = parse_endpoint(row.text);
            REQUIRE_FALSE(endpoint);
            CHECK(endpoint.error().message == row.message);
        }
    }

    TEST_CASE("a listener without a host takes every address of both families") {
        CHECK(to_string(*parse_listen(":8080")) == "[::]:8080");
        CHECK(to_string(*parse_listen("[::]:8080")) == "[::]:8080");
        CHECK(to_string(*parse_listen("0.0.0.0:8080")) == "0.0.0.0:8080");
        CHECK(to_string(*parse_listen("[2001:db8::1]:443")) == "[2001:db8::1]:443");
    }

    TEST_CASE("what cannot be listened on is refused with what to write") {
        struct Row {
            std::string_view text;
            std::string_view message;
            std::string_view hint;
        };
        const Row rows[] = {
            {"8080", "must be an address and a port, found '8080'", "write \":8080\""},
            {"10.0.0.1", "must be an address and a port, found '10.0.0.1'", "such as \":80\""},
            {"localhost:80", "must be an address of this machine, not a name, found 'localhost:80'",
             "write 127.0.0.1:80 for this machine alone, \":80\" for all"},
            {":0", "must have a port from 1 to 65535, found ':0'", ""},
            {":65536", "must have a port from 1 to 65535, found ':65536'", ""},
            {":5000-5100", "must end in a port number, found ':5000-5100'", ""},
            {"[fe80::1%eth0]:80", "must be an address without a zone, found '[fe80::1%eth0]:80'",
             "an interface name means nothing on another node: use a global or unique local "
             "address"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            const auto address = parse_listen(row.text);
            REQUIRE_FALSE(address);
            CHECK(address.error().message == row.message);
            CHECK(address.error().hint == row.hint);
        }
    }
}
