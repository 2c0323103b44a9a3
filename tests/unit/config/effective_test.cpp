// The property: what is written out loads again as the same values. Configurations are made at
// random from rows of good values; the seed is printed when a check fails.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using namespace poise::config;

namespace {

using Values = std::vector<std::string>;

const Values service_lines{
    "scheduler: random2",
    "slow_start: 90s",
    "timeouts: {connect: 1500ms, idle: unlimited, min_rate: 3KiB}",
    "limits: {body_bytes: 1000B, queue_length: 0}",
    "health: {check: http, path: \"/a?b=\\\"c\\\"\", expect: [200, 301], port: 81, body: "
    "\"x\\n\\ty\"}",
    "health: {check: dns, query: www.example.com, passive: false}",
    "health: none",
    "agent: 1",
    "agent: {interval: 7s}",
    "persistence: {method: header, name: X-Y, mask: 1}",
    "persistence: source",
    "forwarded: replace",
    "send_proxy: v1",
    "retries: 10",
    "fallback: \"[2001:db8::9]:90\"",
    "fallback: {status: 200, body: \"a: #\\\\ \\u00e9\\r\\n\"}",
};

const Values servers{"10.0.0.1:80", "web_1.example:65535", "\"[2001:db8::1]:1\"",
                     "{name: \"[x]\", address: \"a:2\", weight: 0}",
                     "{address: \"_srv:3\", weight: 256, max_connections: 9, backup: true}"};

const Values rules{"{use: api}", "{use: api, timeouts: {idle: 1ms, tunnel: 2h}}",
                   "{use: api, match: {host: [\"*.x.example\", \"10.0.0.1\"], path: /, method: "
                   "[GET, M-SEARCH], header: {X-A: \"q\\\"\\\\\", X-B: , X-C: off}, source: "
                   "[\"::1\", 10.0.0.0/9]}}"};

// Some of `from`, each at most once, in their order, and of each key (the text before ':') one.
Values some_of(const Values& from, std::mt19937& random) {
    Values chosen;
    std::string last_key;
    for (const std::string& each : from) {
        const std::string key = each.substr(0, each.find(':'));
        if (random() % 2 == 0 || (key == last_key && key[0] != '{')) continue;
        chosen.push_back(each);
        last_key = key;
    }
    return chosen;
}

std::string list_of(const Values& values) {
    std::string text;
    for (const std::string& value : values)
        text += (text.empty() ? "" : ", ") + value;
    return "[" + text + "]";
}

std::string random_yaml(unsigned seed) {
    std::mt19937 random(seed);
    std::string yaml =
        "defaults:\n"
        "  trusted_proxies: [10.1.2.3/8, \"2001:db8::/32\", \"::/0\", 192.0.2.1, 0.0.0.0/0]\n";
    for (const std::string& line : some_of(service_lines, random))
        yaml += "  " + line + "\n";
    yaml += "services:\n  api: {servers: [a:1], listen: \"0.0.0.0:1\"}\n  web:\n";
    for (const std::string& line : some_of(service_lines, random))
        yaml += "    " + line + "\n";
    yaml += "    listen: [\":80\", {address: \"10.0.0.1:80\", proxy_protocol: true}]\n";
    yaml += "    servers: " + list_of(some_of(servers, random)) + "\n";
    yaml += "    rules: " + list_of(some_of(rules, random)) + "\n";
    if (random() % 2 == 0)
        yaml +=
            "  raw: {protocol: tcp, listen: \"[::1]:2\", servers: a:1, "
            "persistence: none, fallback: none}\n";
    return yaml;
}

}  // namespace

TEST_SUITE("config/effective") {
    TEST_CASE("what is written out loads again as the same values") {
        int tried = 0;
        for (unsigned seed = 1; seed <= 300; ++seed) {
            CAPTURE(seed);
            const auto config = parse_config(random_yaml(seed), "poise.yaml");
            if (!config) {
                // The one contradiction that the rows allow: nothing that could answer.
                CHECK(errors_of(config.error()).contains("no servers and no fallback"));
                continue;
            }
            const std::string written = effective_yaml(*config);
            const Config again = loaded(written);
            CHECK(again == *config);
            CHECK(effective_yaml(again) == written);
            ++tried;
        }
        CHECK(tried > 200);
    }

    TEST_CASE("what the fuzzer starts from is written out whole, certificates included") {
        int tried = 0;
        for (const auto& file :
             std::filesystem::directory_iterator(POISE_SOURCE_DIR "/tests/fuzz/corpus/config")) {
            CAPTURE(file.path().string());
            std::ifstream in(file.path());
            const std::string text{std::istreambuf_iterator<char>(in), {}};
            const auto config = parse_config(text, "poise.yaml", "/nonexistent");
            if (!config) continue;  // node.yaml, and what tells of YAML alone
            CHECK(loaded(effective_yaml(*config), "/nonexistent") == *config);
            ++tried;
        }
        CHECK(tried > 0);
    }

    TEST_CASE("every default is written") {
        const std::string written = effective_yaml(loaded(service_with("")));

        CHECK(
            written.starts_with("services:\n"
                                "  \"web\":\n"
                                "    listen:\n"
                                "      - address: \"[::]:8080\"\n"
                                "        proxy_protocol: false\n"
                                "        tls:\n"
                                "          enabled: false\n"
                                "          min_version: 1.2\n"
                                "          ciphers: \"\"\n"
                                "          client_certificate: off\n"
                                "          client_ca: \"\"\n"
                                "          client_crl: \"\"\n"
                                "        alpn: [h2, http/1.1]\n"
                                "    mode: snat\n"
                                "    protocol: http\n"
                                "    scheduler: wlc\n"
                                "    slow_start: 0s\n"
                                "    timeouts:\n"
                                "      connect: 5s\n"));
        CHECK(written.contains("    agent: none\n"));
        CHECK(written.contains("      body_bytes: unlimited\n"));
    }

    TEST_CASE("a node's settings are written and load again") {
        const std::string defaults = effective_yaml(Node{});
        CHECK(
            defaults ==
            "node:\n  name: \"\"\n  workers: auto\n  io: auto\n  fast_path: auto\n  control: \"\"\n"
            "  max_connections: auto\n"
            "admin:\n  http: \"off\"\n  https: \"off\"\n  users_file: \"\"\n"
            "  state_dir: \"\"\n"
            "cluster:\n  key_file: \"\"\n  bind: []\n  peers: []\n  role: master\n"
            "  heartbeat: 10ms\n  failback: manual\n  hook: \"\"\n"
            "log:\n  level: info\n  format: text\n  access: off\n  file: \"\"\n"
            "alerts:\n  events: [server, service, pair, certificate, config]\n  group: 10s\n"
            "  messages_per_hour: 20\n  certificate_days: 14\n");
        const Node node{"lb1",          4,           IoEngine::epoll, FastPath::off,
                        "/run/\"p\"",   7,           LogLevel::error, LogFormat::json,
                        AccessLog::all, "/var/log/p"};
        CHECK(parse_node(defaults, "n").value() == Node{});
        CHECK(parse_node(effective_yaml(node), "n").value() == node);
    }
}
