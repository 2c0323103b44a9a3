// Configurations of which every value is fine by itself, but which do not fit together.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace poise::config;

namespace {

// A folder of its own that is gone after the test.
class Folder {
public:
    Folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "poise-config-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, const std::string& content) const {
        std::ofstream(path_ + "/" + name) << content;
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// Two services that listen on `first` (line 2) and `second` (line 3).
std::string listening(const std::string& first, const std::string& second) {
    return "services:\n  one: {servers: a:1, listen: \"" + first +
           "\"}\n  two: {servers: a:1, listen: \"" + second + "\"}\n";
}

}  // namespace

TEST_SUITE("config/validate") {
    TEST_CASE("listeners that would take each other's clients are refused") {
        struct Row {
            std::string first;
            std::string second;
            std::string error;
        };
        const std::string dual = ": [::] takes IPv4 as well";
        const Row rows[] = {
            {":80", ":81", ""},
            {"0.0.0.0:80", "10.0.0.1:80", ""},
            {":80", "10.0.0.1:80", ""},
            {"[2001:db8::1]:80", ":80", ""},
            {"10.0.0.1:80", "10.0.0.2:80", ""},
            {":80", ":80",
             "3:31 [::]:80 is listened on twice | service 'one' in line 2 has it already"},
            {":80", "[::]:80",
             "3:31 [::]:80 is listened on twice | service 'one' in line 2 has it already"},
            {"10.0.0.1:80", "10.0.0.1:80",
             "3:31 10.0.0.1:80 is listened on twice | service 'one' in line 2 has it already"},
            {"10.0.0.1:80", "[::ffff:10.0.0.1]:80",
             "3:31 10.0.0.1:80 is listened on twice | service 'one' in line 2 has it already"},
            {":80", "0.0.0.0:80",
             "3:31 0.0.0.0:80 and [::]:80 overlap | service 'one' in line 2 has it already" + dual},
            {"0.0.0.0:80", ":80",
             "3:31 [::]:80 and 0.0.0.0:80 overlap | service 'one' in line 2 has it already" + dual},
        };
        for (const Row& row : rows) {
            CAPTURE(row.first);
            CAPTURE(row.second);
            CHECK(config_errors(listening(row.first, row.second)) == row.error);
        }
        CHECK(config_errors("services: {w: {servers: a:1, listen: [\":1\", \":1\"]}}\n") ==
              "1:45 [::]:1 is listened on twice | this service in line 1 has it already");
    }

    TEST_CASE("names are unique and plain") {
        CHECK(config_errors("services:\n  w:\n    listen: \":1\"\n    servers:\n      - a:1\n"
                            "      - b:1\n      - a:1\n") ==
              "7:9 two servers of service 'w' are named 'a:1' | the first stands in line 5; give "
              "each its own 'name'");
        CHECK(config_errors("services: {w: {listen: \":1\", servers: [a:1, {name: x, address: "
                            "\"a:1\"}]}}\n") == "");
        CHECK(config_errors("services: {\"a/b\": {listen: \":1\", servers: a:1}}\n") ==
              "1:12 a service must be a name of letters, digits, '.', '-' and '_', found 'a/b'");
        CHECK(config_errors("services: {" + std::string(65, 'w') +
                            ": {listen: \":1\", servers: a:1}}\n")
                  .ends_with(" | at most 64 characters"));
    }

    TEST_CASE("a rule uses another service of the same protocol") {
        const auto use = [](const std::string& name) {
            return config_errors(
                "services:\n  w:\n    listen: \":1\"\n    servers: a:1\n"
                "    rules: [{use: " +
                name +
                "}]\n"
                "  api: {servers: a:1, listen: \":2\"}\n"
                "  raw: {servers: a:1, protocol: tcp, listen: \":3\"}\n");
        };
        CHECK(use("api") == "");
        CHECK(use("apis") == "5:19 there is no service 'apis'");
        CHECK(use("w") ==
              "5:19 a rule cannot use the service it stands in | requests that match no rule go to "
              "this service's own servers");
        CHECK(use("raw") ==
              "5:19 service 'raw' has protocol tcp, this one http | a rule can only use a service "
              "of the same protocol");
    }

    TEST_CASE("services behind one listener have cookies of different names") {
        const auto joined = [](const std::string& web, const std::string& api) {
            return "services:\n  web:\n    listen: \":1\"\n    servers: a:1\n    persistence: " +
                   web + "\n    rules: [{match: {path: /}, use: api}]\n  api: {servers: a:1, " +
                   "persistence: " + api + "}\n";
        };
        const auto config = loaded(joined("cookie", "cookie"));
        CHECK(config.services[0].persistence.name == "POISE");
        CHECK(config.services[1].persistence.name == "POISE-api");
        const std::string named = "{method: cookie, name: ID}";
        CHECK(loaded(joined("cookie", named)).services[1].persistence.name == "ID");
        CHECK(config_errors(joined(named, named)) ==
              "6:37 services 'web' and 'api' would both set the cookie ID, and each would lose "
              "what the other has set | give one of them another persistence name");
    }

    TEST_CASE("a PROXY header is believed only from proxies that are named") {
        const std::string listens =
            "services:\n  w:\n    servers: a:1\n    listen: [\":1\", {address: \":2\", "
            "proxy_protocol: true}]\n";
        CHECK(config_errors(listens) ==
              "4:20 'proxy_protocol' without 'trusted_proxies' serves nobody | name the proxies "
              "that may say who the client is: trusted_proxies: [10.0.0.0/8]");
        CHECK(config_errors(listens + "    trusted_proxies: 10.0.0.0/8\n") == "");
    }

    TEST_CASE("a service must be reachable and have something to answer with") {
        CHECK(config_errors("services: {w: {servers: a:1}}\n") ==
              "1:12 no client can reach service 'w' | give it 'listen', or use it in a rule of "
              "another service");
        CHECK(config_errors("services: {w: {listen: []\n, servers: a:1}}\n") ==
              "1:12 no client can reach service 'w' | give it 'listen', or use it in a rule of "
              "another service");
        CHECK(config_errors("services: {w: {listen: \":1\", servers: []}}\n") ==
              "1:12 service 'w' has no servers and no fallback | write servers: [10.0.0.1:80]");
        CHECK(config_errors("services: {w: {listen: \":1\", fallback: {status: 503}}}\n") == "");
        CHECK(config_errors("services:\n  w: {listen: \":1\", servers: a:1, rules: [{use: b}]}\n"
                            "  b: {servers: a:1, rules: [{use: w}]}\n") ==
              "3:21 the rules of service 'b' are never looked at | a service without 'listen' only "
              "lends its servers to other rules");
    }

    TEST_CASE("what only http can do is refused elsewhere") {
        const auto tcp = [](const std::string& line) {
            return config_errors(service_with("    protocol: tcp\n    " + line + "\n"));
        };
        CHECK(tcp("persistence: source") == "");
        CHECK(tcp("health: {check: http}") == "");
        CHECK(tcp("fallback: b:1") == "");
        CHECK(
            tcp("persistence: cookie") ==
            "4:18 persistence by cookie works only with protocol http, but service 'web' has tcp");
        CHECK(
            tcp("persistence: {method: header, name: X}") ==
            "4:27 persistence by header works only with protocol http, but service 'web' has tcp");
        CHECK(
            tcp("fallback: {status: 503}") ==
            "4:5 a fallback that answers works only with protocol http, but service 'web' has tcp "
            "| write the address of a server: fallback: 10.0.0.99:80");
        CHECK(config_errors("defaults: {persistence: cookie}\n" +
                            service_with("    protocol: tcp\n")) ==
              "3:3 persistence by cookie works only with protocol http, but service 'web' has tcp");
    }

    TEST_CASE("persistence by rdp is for rdp alone, which has no rules") {
        CHECK(config_errors(service_with("    persistence: rdp\n")) ==
              "3:18 persistence by rdp works only with protocol rdp, but service 'web' has http");
        const auto rdp = [](const std::string& line) {
            return config_errors(service_with("    protocol: rdp\n    " + line + "\n"));
        };
        CHECK(rdp("persistence: {method: rdp, timeout: 8h, entries: 1000}") == "");
        CHECK(rdp("persistence: source") == "");
        CHECK(rdp("persistence: cookie").contains("only with protocol http"));
        CHECK(rdp("rules: [{timeouts: {idle: 1h}}]") ==
              "4:5 rules work only with protocol http and tcp, but service 'web' has rdp");
    }

    TEST_CASE("what Poise reads in the clear must not be TLS that it ends itself") {
        const std::string start = "certificates: [{cert: a, key: b}]\nservices:\n  web:\n    ";
        CHECK(config_errors(start +
                            "protocol: rdp\n    listen: {address: \":1\", tls: true}\n    servers: "
                            "a:1\n")
                  .contains("begin TLS themselves"));
        CHECK(config_errors(start +
                            "protocol: tcp\n    listen: {address: \":1\", tls: true}\n    servers: "
                            "a:1\n    rules: [{match: {sni: a}, timeouts: {idle: 1h}}]\n")
                  .contains("has rules by 'sni', which is read from TLS that is passed on"));
    }

    TEST_CASE("a rule asks for what its protocol has") {
        const auto rule = [](const std::string& protocol, const std::string& match) {
            return config_errors("services:\n  web:\n    protocol: " + protocol +
                                 "\n    rules: [{match: {" + match +
                                 "}, use: other}]\n    listen: \":8080\"\n    servers: a:1\n"
                                 "  other: {protocol: " +
                                 protocol + ", servers: a:1}\n");
        };
        CHECK(rule("tcp", "sni: [a.example.com, \"*.example.com\"], source: 10.0.0.0/8") == "");
        CHECK(rule("http", "host: a, path: /, method: GET, source: 10.0.0.0/8") == "");
        CHECK(rule("http", "sni: a") ==
              "4:27 a rule can ask for 'sni' only with protocol tcp, but service 'web' has http | "
              "ask for the 'host' of the request");
        CHECK(rule("tcp", "host: a") ==
              "4:28 a rule can ask for 'host' only with protocol http, but service 'web' has tcp | "
              "for TLS that is passed on, ask for the 'sni'");
        for (const std::string key : {"path: /", "path_prefix: /", "method: GET", "header: {a: b}"})
            CHECK(rule("tcp", key).contains("only with protocol http, but service 'web' has tcp"));
        CHECK(rule("tcp", "sni: \"a:443\"").contains("must be a host name"));
    }

    TEST_CASE("a rule without a service changes limits, or nothing and is refused") {
        const auto rules = [](const std::string& list) {
            return config_errors(service_with("    rules: [" + list + "]\n"));
        };
        CHECK(rules("{match: {path: /a}, timeouts: {response: 5m}}") == "");
        CHECK(rules("{match: {path: /a}}").contains("neither 'use' nor 'timeouts'"));
        CHECK(loaded(service_with("    rules: [{timeouts: {response: 5m}}]\n"))
                  .services[0]
                  .rules[0]
                  .use.empty());
    }

    TEST_CASE("a server has a port, and its name need not resolve") {
        const auto servers = [](const std::string& list) {
            return config_errors("services:\n  w:\n    listen: \":1\"\n    servers: [" + list +
                                 "]\n");
        };
        CHECK(servers("no-such-host.invalid:80") == "");
        CHECK(servers("web1") == "4:15 'web1' has no port | such as web1:80");
        CHECK(servers("\"2001:db8::1\"") ==
              "4:15 '2001:db8::1' has no port | such as \"[2001:db8::1]:80\"");
        CHECK(servers("a:1], fallback: [b") != "");
        CHECK(config_errors(service_with("    fallback: b\n")) ==
              "3:15 'b' has no port | such as b:80");
    }

    TEST_CASE("persistence by header needs its name and a dns check its question") {
        CHECK(config_errors(service_with("    persistence: header\n")) ==
              "3:18 persistence by header needs the header's name | write persistence: {method: "
              "header, name: X-User}");
        CHECK(config_errors("defaults: {persistence: {name: X}}\n" +
                            service_with("    persistence: header\n")) == "");
        CHECK(config_errors(service_with("    health: dns\n")) ==
              "3:13 a check by dns needs 'query', the name to ask for | write health: {check: dns, "
              "query: www.example.com}");
        CHECK(config_errors(service_with("    health: {check: http, expect: []}\n")) ==
              "3:27 'expect' names no status code");
    }

    TEST_CASE("a script must be there and executable") {
        const Folder folder;
        folder.write("check.sh", "#!/bin/sh\n");
        const auto script = [&](const std::string& health) {
            return config_errors(service_with("    health: {check: script" + health + "}\n"),
                                 folder.path());
        };
        CHECK(script("") == "3:5 a check by script needs 'script', the program to run");
        CHECK(script(", script: none.sh") ==
              "3:37 the script '" + folder.path() + "/none.sh' does not exist");
        CHECK(script(", script: .").ends_with("is not a file"));
        CHECK(script(", script: check.sh").ends_with("is not executable | chmod +x makes it so"));

        std::filesystem::permissions(folder.path() + "/check.sh",
                                     std::filesystem::perms::owner_all);
        CHECK(script(", script: check.sh") == "");
        const Config config = loaded(
            service_with("    health: {check: script, script: ./check.sh}\n"), folder.path());
        CHECK(config.services[0].health.script == folder.path() + "/check.sh");
    }

    TEST_CASE("the body of a fallback is read from its file") {
        const Folder folder;
        folder.write("sorry.html", "<p>sorry</p>\n");
        folder.write("large.html", std::string((256 << 10) + 1, 'x'));
        const auto yaml = [&](const std::string& fallback) {
            return service_with("    fallback: {" + fallback + "}\n");
        };

        const Config config = loaded(yaml("status: 502, body_file: sorry.html"), folder.path());
        CHECK(config.services[0].fallback ==
              Fallback{std::nullopt, 502, "<p>sorry</p>\n", folder.path() + "/sorry.html"});

        CHECK(config_errors(yaml("body_file: none.html"), folder.path()) ==
              "3:27 the file 'none.html' does not exist | looked for as " + folder.path() +
                  "/none.html");
        CHECK(config_errors(yaml("body_file: large.html"), folder.path()) ==
              "3:27 the file 'large.html' is larger than 256KiB | looked for as " + folder.path() +
                  "/large.html");
        CHECK(config_errors(yaml("body_file: ."), folder.path())
                  .starts_with("3:27 the file '.' is a directory, not a file"));
        CHECK(config_errors(yaml("body_file: sorry.html, body: x"), folder.path()) ==
              "3:27 a fallback has either 'body' or 'body_file', not both");
        CHECK(config_errors(yaml("server: \"b:1\", body: x")) ==
              "3:5 a fallback is either a 'server' or an answer, not both");
    }

    TEST_CASE("relative files are looked for beside the configuration") {
        const Folder folder;
        folder.write("sorry.html", "sorry");
        folder.write("poise.yaml", service_with("    fallback: {body_file: sorry.html}\n"));

        const auto config = load_config(folder.path() + "/poise.yaml");

        REQUIRE(config);
        CHECK(config->services[0].fallback.value().body == "sorry");
    }
}
