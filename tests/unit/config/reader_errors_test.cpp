// Bad files and all of their errors, with their places: what the operator reads.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

using namespace poise::config;

namespace {

// `lines` are the lines 3 and on of a service that is good without them.
void check_service(const BadText& row) {
    CAPTURE(row.yaml);
    CHECK(config_errors(service_with(row.yaml)) == row.errors);
}

}  // namespace

TEST_SUITE("config/reader errors") {
    TEST_CASE("a file that says nothing is told what to write") {
        const std::string empty =
            "1:1 the file is empty | write for example: services: {web: {listen: \":8080\", "
            "servers: [10.0.0.1:80]}}";
        CHECK(config_errors("") == empty);
        CHECK(config_errors("\n# nothing\n") == empty);
        CHECK(config_errors("hello\n") ==
              "1:1 the file must be a mapping: keys, each followed by ': ' and its value");
        CHECK(config_errors("- a\n") ==
              "1:1 the file must be a mapping: keys, each followed by ': ' and its value");
        CHECK(config_errors("defaults: {}\n") == "1:1 'services' is missing");
        CHECK(config_errors("services:\n") == "1:1 there is no service");
        CHECK(node_errors("") == "");
    }

    TEST_CASE("a misspelt key is one error, whatever misses it") {
        CHECK(
            config_errors("services:\n  web:\n    lisen: \":80\"\n    servers: [10.0.0.1:80]\n") ==
            "3:5 unknown service key 'lisen' | did you mean 'listen'?");
        CHECK(
            config_errors("services:\n  web:\n    listen: \":80\"\n    serverz: [10.0.0.1:80]\n") ==
            "4:5 unknown service key 'serverz' | did you mean 'servers'?");
    }

    TEST_CASE("a connection of many clients has no PROXY header") {
        const std::string text =
            "services:\n  web:\n    listen: \":80\"\n    send_proxy: v2\n"
            "    servers:\n      - {address: \"10.0.0.1:80\", http2: true}\n";
        CHECK(config_errors(text).contains("'http2' and 'send_proxy' exclude each other"));
    }

    TEST_CASE("an unknown key is told with the nearest one, or where it belongs") {
        check_service({"    schedular: rr\n",
                       "3:5 unknown service key 'schedular' | did you mean 'scheduler'?"});
        check_service({"    interval: 2s\n",
                       "3:5 unknown service key 'interval' | it belongs under 'health': health: "
                       "{interval: ...}"});
        // A fallback has a 'server', too.
        check_service({"    server: [10.0.0.2:80]\n",
                       "3:5 unknown service key 'server' | did you mean 'servers'?"});
        check_service({"    limits: {zzzzzzz: 1}\n",
                       "3:14 unknown limits key 'zzzzzzz' | one of: header_bytes, header_fields, "
                       "request_line_bytes, body_bytes, queue_length, udp_sessions"});
        CHECK(config_errors("node: {name: a}\n" + service_with("")) ==
              "1:1 unknown top-level key 'node' | it belongs in node.yaml");
        CHECK(node_errors("services: {}\n") ==
              "1:1 unknown top-level key 'services' | it belongs in poise.yaml");
        CHECK(config_errors("service:\n" + service_with("")) ==
              "1:1 unknown top-level key 'service' | did you mean 'services'?");
    }

    TEST_CASE("a key or a name that stands twice is an error at the second") {
        check_service({"    scheduler: rr\n    scheduler: rr\n",
                       "4:5 duplicate key 'scheduler' | it is first given in line 3"});
        check_service({"    timeouts: {idle: 1s, connect: 2s, idle: 1s}\n",
                       "3:39 duplicate key 'idle' | it is first given in line 3"});
        CHECK(config_errors(service_with("") + "  web: {servers: a:1}\n") ==
              "5:3 duplicate name 'web' in 'services' | it is first given in line 2");
        CHECK(config_errors(service_with("") + "services: {}\n") ==
              "5:1 duplicate key 'services' | it is first given in line 1");
        check_service({"    ~: 1\n",
                       "3:5 a key is missing before ':' | null and ~ are YAML for nothing: put "
                       "quotes around such a name"});
    }

    TEST_CASE("a value of the wrong type says what was expected and what was found") {
        const BadText rows[] = {
            {"    scheduler: leastcon\n",
             "3:16 unknown scheduler 'leastcon' | one of: rr, wrr, lc, wlc, dh, sh, maglev, "
             "random2, least_time"},
            {"    scheduler: maglv\n", "3:16 unknown scheduler 'maglv' | did you mean 'maglev'?"},
            {"    scheduler: [rr]\n", "3:16 'scheduler' must be a word, found a list"},
            {"    scheduler:\n", "3:5 'scheduler' has no value"},
            {"    timeouts: {idle: 5}\n",
             "3:22 'idle' must be a duration with a unit, found '5' | write 5s"},
            {"    timeouts: {connect: 2d}\n", "3:25 'connect' must be from 1ms to 1d, found '2d'"},
            {"    timeouts: {idle: 0s}\n", "3:22 'idle' must be from 1ms to 365d, found '0s'"},
            {"    timeouts: 5s\n", "3:15 'timeouts' must be a mapping, found a single value"},
            {"    timeouts: [5s]\n", "3:15 'timeouts' must be a mapping, found a list"},
            {"    limits: {header_bytes: 65536}\n",
             "3:28 'header_bytes' must be a size with a unit, found '65536' | write 64KiB"},
            {"    limits: {header_bytes: 1B}\n",
             "3:28 'header_bytes' must be from 1KiB to 256KiB, found '1B'"},
            {"    limits: {header_fields: many}\n",
             "3:29 'header_fields' must be a whole number from 1 to 10000, found 'many'"},
            {"    retries: -1\n", "3:14 'retries' must be a whole number from 0 to 10, found '-1'"},
            {"    retries: 1.5\n",
             "3:14 'retries' must be a whole number from 0 to 10, found '1.5'"},
            {"    retries: {a: 1}\n", "3:14 'retries' must be a whole number, found a mapping"},
            {"    health: {passive: yes}\n",
             "3:23 'passive' must be true or false, found 'yes' | write true"},
            {"    health: {path: healthz}\n", "3:20 'path' must begin with '/', found 'healthz'"},
            {"    health: {expect: [200, 600]}\n",
             "3:28 'expect' must be a whole number from 100 to 599, found '600'"},
            {"    health: {expect: 99}\n",
             "3:22 'expect' must be a whole number from 100 to 599, found '99'"},
            {"    health: {expect: [200, ]}\n", ""},
            {"    health: {port: 0}\n",
             "3:20 'port' must be a whole number from 1 to 65535, found '0'"},
            {"    agent: 65536\n",
             "3:12 'agent' must be a whole number from 1 to 65535, found '65536'"},
            {"    persistence: cokie\n",
             "3:18 unknown persistence 'cokie' | did you mean 'cookie'?"},
            {"    persistence: {name: \"a b\"}\n",
             "3:25 'name' must be a word of letters, digits and '-', found 'a b'"},
            {"    trusted_proxies: [10.0.0.0/33]\n",
             "3:23 'trusted_proxies' must be an address or a range of addresses, found "
             "'10.0.0.0/33' | such as 10.0.0.0/8 or \"2001:db8::/32\""},
            {"    rules: {match: {}}\n",
             "3:12 this rule has neither 'use' nor 'timeouts' | name the service whose servers "
             "take what matches: use: other"},
            {"    rules: [api]\n", "3:13 'rules' must be a mapping, found a single value"},
            {"    rules:\n", "3:5 'rules' has no value"},
        };
        for (const BadText& row : rows)
            check_service(row);
    }

    TEST_CASE("a service that is no mapping is one error, not what it lacks as well") {
        CHECK(config_errors("services:\n  bad: 1\n") ==
              "2:8 'bad' must be a mapping, found a single value");
        CHECK(config_errors("services:\n  bad: [1, 2]\n") ==
              "2:8 'bad' must be a mapping, found a list");
    }

    TEST_CASE("what a rule cannot compare with is refused") {
        const auto match = [](const std::string& what) {
            return config_errors(
                "services: {b: {servers: a:1}, w: {listen: \":1\", servers: a:1, "
                "rules: [{use: b, match: {\n" +
                what + "}}]}}\n");
        };
        CHECK(match("path: \"/a?b\"") ==
              "2:7 'path' must be a path without a query, found '/a?b' | rules compare what "
              "stands before the '?'");
        CHECK(match("path: /a?b") ==
              "2:9 YAML: a value cannot begin with this character | put quotes around a value "
              "with a '?'");
        CHECK(match("path_prefix: api/") == "2:14 'path_prefix' must begin with '/', found 'api/'");
        CHECK(match("host: \"a:80\"") ==
              "2:7 'host' must be a host name such as www.example.com or \"*.example.com\", found "
              "'a:80' | leave out the port: rules compare the name alone");
        CHECK(match("host: \"*\"") ==
              "2:7 'host' must be a host name such as www.example.com or \"*.example.com\", found "
              "'*'");
        CHECK(match("method: \"GET POST\"") ==
              "2:9 'method' must be a word of letters, digits and '-', found 'GET POST'");
        CHECK(match("header: {\"a b\": c}") ==
              "2:10 'header' must be a word of letters, digits and '-', found 'a b'");
        CHECK(match("header: {a: 1, a: 2}") ==
              "2:16 duplicate name 'a' in 'header' | it is first given in line 2");
        CHECK(match("header: {a: [b]}") ==
              "2:13 'a' in 'header' must have a single value, found a list");
        CHECK(match("header: x") ==
              "2:9 'header' must be a mapping of names to values, found a single value");
        CHECK(match("source: \"10.0.0.1:80\"") ==
              "2:9 'source' must be an address or a range of addresses, found '10.0.0.1:80' | such "
              "as 10.0.0.0/8 or \"2001:db8::/32\"");
    }

    TEST_CASE("a server's errors stand at the server") {
        const auto servers = [](const std::string& list) {
            return config_errors("services: {web: {listen: \":1\", servers: " + list + "}}\n");
        };
        CHECK(servers("[{address: \"a:1\", weight: 257}]") ==
              "1:67 'weight' must be a whole number from 0 to 256, found '257'");
        CHECK(servers("[{address: \"a:1\", weight: -1}]") ==
              "1:67 'weight' must be a whole number from 0 to 256, found '-1'");
        CHECK(servers("[{address: \"a:1\", wieght: 1}]") ==
              "1:59 unknown server key 'wieght' | did you mean 'weight'?");
        CHECK(servers("[{weight: 1}]") == "1:42 this server has no 'address'");
        CHECK(servers("[a:0]") == "1:42 'servers' must have a port from 1 to 65535, found 'a:0'");
        CHECK(servers("[a:65536]") ==
              "1:42 'servers' must have a port from 1 to 65535, found 'a:65536'");
        CHECK(servers("[\"[fe80::1%eth0]:80\"]") ==
              "1:42 'servers' must be an address without a zone, found '[fe80::1%eth0]:80' | an "
              "interface name means nothing on another node: use a global or unique local address");
        CHECK(servers("[a:1, ~]") == "1:47 'servers' has an empty item");
        CHECK(servers("[[a:1]]") ==
              "1:42 'servers' must be a mapping, found a list | put quotes around an IPv6 address: "
              "\"[2001:db8::1]:80\"");
    }

    TEST_CASE("what later issues bring is refused at its place") {
        const BadText rows[] = {
            {"    protocol: sip\n", "3:15 'protocol: sip' is not available in this build yet"},
            {"    protocol: sip\n    persistence: cookie\n",
             "3:15 'protocol: sip' is not available in this build yet"},
            {"    redirect_http: true\n",
             "3:20 service 'web' has no listener with TLS to redirect to | write listen: [\":80\", "
             "{address: \":443\", tls: true}]"},
            {"    redirect_http: false\n", ""},
            {"    persistence: sip\n",
             "3:18 'persistence: sip' is not available in this build yet"},
            {"    persistence: {method: sip}\n",
             "3:27 'method: sip' is not available in this build yet"},
            {"    preset: exchang\n", "3:13 unknown preset 'exchang' | did you mean 'exchange'?"},
        };
        for (const BadText& row : rows)
            check_service(row);

        CHECK(config_errors("services: {w: {servers: a:1, listen: {address: \":443\", tls: true, "
                            "alpn: [h2]}}}\n") ==
              "1:61 TLS needs a certificate, and 'certificates' has none | write at the top: "
              "certificates: [{cert: site.crt, key: site.key}]");
        CHECK(config_errors("services: {w: {servers: a:1, listen: {address: \":443\", "
                            "alpn: [h2, h3]}}}\n") != "");
        CHECK(config_errors("services: {w: {servers: a:1, listen: {address: \":443\", tls: "
                            "false}}}\n") == "");
    }

    TEST_CASE("all errors of a file are told at once, in the file's order") {
        CHECK(config_errors("services:\n"
                            "  web:\n"
                            "    servers: [10.0.0.1:80, 10.0.0.1]\n"
                            "    listen: 80\n"
                            "    scheduler: rro\n"
                            "    timeouts: {idle: 5}\n"
                            "    rules: [{use: nobody}]\n") ==
              "3:28 '10.0.0.1' has no port | such as 10.0.0.1:80\n"
              "4:13 'listen' must be an address and a port, found '80' | write \":80\"\n"
              "5:16 unknown scheduler 'rro' | did you mean 'rr'?\n"
              "6:22 'idle' must be a duration with a unit, found '5' | write 5s\n"
              "7:19 there is no service 'nobody'");
    }

    TEST_CASE("a file of errors is not a report without end") {
        std::string yaml = "services:\n";
        for (int i = 0; i < 20'000; ++i)
            yaml += "  s" + std::to_string(i) + ": {x: 1}\n";

        const auto config = parse_config(yaml, "poise.yaml");

        REQUIRE_FALSE(config);
        CHECK(config.error().size() == Report::shown_max + 1);
    }

    TEST_CASE("node.yaml is checked the same way") {
        CHECK(node_errors("node: {name: lb1, workers: auto, io: auto}\n"
                          "log: {level: info, format: text, access: off}\n") == "");
        CHECK(node_errors("node: {workers: 2000}\n") ==
              "1:17 'workers' must be auto or a whole number from 1 to 64, found '2000'");
        CHECK(node_errors("node: {workers: 65}\n") ==
              "1:17 'workers' must be auto or a whole number from 1 to 64, found '65'");
        CHECK(node_errors("node: {fast_path: on}\n") ==
              "1:19 unknown fast_path 'on' | one of: auto, off");
        CHECK(node_errors("log: {level: trace}\n") ==
              "1:14 unknown level 'trace' | one of: debug, info, warn, error");
        CHECK(node_errors("node: {name: \"a b\"}\n") ==
              "1:14 'name' must be a name of letters, digits, '.', '-' and '_', found 'a b'");

        CHECK(node_errors("admin: {http: \"9080\", users: x}\n").contains("9080"));

        const auto node = parse_node(
            "node: {name: lb1, workers: 3, io: epoll, fast_path: off, control: /run/p, "
            "max_connections: 9}\nlog: {level: warn, format: json, "
            "access: all, file: /var/log/p}\nadmin: {http: off, https: off}\n",
            "node.yaml");
        REQUIRE(node);
        CHECK(*node == Node{"lb1", 3, IoEngine::epoll, FastPath::off, "/run/p", 9, LogLevel::warn,
                            LogFormat::json, AccessLog::all, "/var/log/p"});
    }

    TEST_CASE("a node is administered on loopback until its file says otherwise") {
        CHECK(parse_node("", "n").value().admin == admin_defaults());
        CHECK(to_string(*admin_defaults().https) == "127.0.0.1:9443");
        const auto node = parse_node("admin: {http: off, https: \":9443\"}\n", "n");
        REQUIRE(node);
        CHECK_FALSE(node->admin.http);
        CHECK(to_string(*node->admin.https) == "[::]:9443");
    }
}
