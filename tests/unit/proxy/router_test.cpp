#include "proxy/router.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise;
using namespace poise::proxy;

namespace {

const Address client = parse_ip("10.1.2.3").value();

RequestHead request(std::string_view authority, std::string_view path,
                    std::string_view method = "GET") {
    RequestHead head;
    head.method = method;
    head.target = head.path = path;
    head.authority = authority;
    return head;
}

config::Rule rule(std::string use, config::Match match) {
    config::Rule made;
    made.use = std::move(use);
    made.match = std::move(match);
    return made;
}

std::string used(const Router& router, const RequestHead& head, const Address& from = client) {
    const CompiledRule* found = router.match(head, from);
    return found == nullptr ? "" : found->use;
}

bool takes(config::Match match, const RequestHead& head, const Address& from = client) {
    return Router({rule("x", std::move(match))}).match(head, from) != nullptr;
}

std::string normal(std::string_view path) {
    std::string out;
    append_normal_path(out, path);
    return out;
}

}  // namespace

TEST_SUITE("proxy/router") {
    TEST_CASE("without rules nothing matches") {
        CHECK(Router({}).match(request("a", "/"), client) == nullptr);
    }

    TEST_CASE("an empty match takes everything") {
        CHECK(takes({}, request("", "*")));
    }

    TEST_CASE("the first rule that matches wins, whatever way it was indexed") {
        const Router router({
            rule("0", {.host = {"a.example.com"}, .path_prefix = {"/x"}}),
            rule("1", {.path_prefix = {"/y"}}),
            rule("2", {.host = {"*.example.com"}, .path_prefix = {"/z"}}),
            rule("3", {.host = {"a.example.com", "*.example.com"}}),
            rule("4", {.host = {"*"}}),
            rule("5", {}),
        });
        CHECK(used(router, request("a.example.com", "/x")) == "0");
        CHECK(used(router, request("a.example.com", "/y")) == "1");
        CHECK(used(router, request("b.example.com", "/y")) == "1");
        CHECK(used(router, request("a.example.com", "/z")) == "2");
        CHECK(used(router, request("a.example.com", "/")) == "3");
        CHECK(used(router, request("b.example.com", "/")) == "3");
        CHECK(used(router, request("example.org", "/x")) == "4");
        CHECK(used(router, request("", "/x")) == "5");
        CHECK(router.match(request("", "/x"), client)->index == 5);
    }

    TEST_CASE("hosts are compared without port, case and trailing dot") {
        struct Row {
            std::string_view rule, authority;
            bool taken;
        };
        const Row rows[] = {
            {"example.com", "example.com", true},
            {"example.com", "EXAMPLE.Com:8080", true},
            {"Example.COM.", "example.com", true},
            {"example.com", "example.com.:80", true},
            {"example.com", "www.example.com", false},
            {"example.com", "example.comm", false},
            {"example.com", "", false},
            {"*.example.com", "a.example.com", true},
            {"*.Example.com", "A.B.EXAMPLE.com:443", true},
            {"*.example.com", "example.com", false},
            {"*.example.com", "aexample.com", false},
            {"*.example.com", "a.example.com.evil.org", false},
            {"*.example.com", ".example.com", true},
            {"*", "anything", true},
            {"*", "", false},
            {"[2001:DB8::1]", "[2001:db8::1]:80", true},
            {"2001:db8::1", "[2001:db8::1]", true},
            {"[2001:db8::1]", "[2001:db8::2]", false},
            {"10.0.0.1", "10.0.0.1:80", true},
            {"example.com", "[::1", false},
        };
        for (const Row& row : rows) {
            CAPTURE(row.rule);
            CAPTURE(row.authority);
            CHECK(takes({.host = {std::string{row.rule}}}, request(row.authority, "/")) ==
                  row.taken);
        }
    }

    TEST_CASE("hosts of any length are answered") {
        const Router router({rule("0", {.host = {"*.example.com"}}), rule("1", {.host = {"*"}})});
        for (const std::size_t length : {200u, 243u, 244u, 10'000u}) {
            CAPTURE(length);
            const std::string host = std::string(length, 'a') + ".example.com";
            CHECK(used(router, request(host, "/")) == (host.size() <= 255 ? "0" : "1"));
        }
        CHECK(used(router, request(std::string(255, '.'), "/")) == "1");
    }

    TEST_CASE("paths are exact, the query does not count") {
        const config::Match match{.path = {"/login", "/a%2Fb"}};
        CHECK(takes(match, request("", "/login")));
        CHECK(takes(match, request("", "/login?next=/x")));
        CHECK(takes(match, request("", "/a%2fb")));
        CHECK_FALSE(takes(match, request("", "/a/b")));
        CHECK_FALSE(takes(match, request("", "/login/")));
        CHECK_FALSE(takes(match, request("", "/Login")));
        CHECK_FALSE(takes(match, request("", "/")));
    }

    TEST_CASE("a prefix ends where a segment ends") {
        struct Row {
            std::string_view prefix, path;
            bool taken;
        };
        const Row rows[] = {
            {"/api", "/api", true},          {"/api", "/api/", true},
            {"/api", "/api/x", true},        {"/api", "/api?x", true},
            {"/api", "/apix", false},        {"/api", "/ap", false},
            {"/api", "/API", false},         {"/api/", "/api/", true},
            {"/api/", "/api/x", true},       {"/api/", "/api", false},
            {"/api/", "/api?x", false},      {"/", "/", true},
            {"/", "/anything", true},        {"/", "*", false},
            {"/api", "/%61pi/x", true},      {"/api", "/x/../api", true},
            {"/api", "/x/%2e%2E/api", true}, {"/api", "/api/../x", false},
            {"/api", "/./api", true},        {"/api", "//api", false},
            {"/%61pi", "/api", true},        {"/api", "/api%2Fx", false},
            {"/api", "/x?/../api", false},
        };
        for (const Row& row : rows) {
            CAPTURE(row.prefix);
            CAPTURE(row.path);
            CHECK(takes({.path_prefix = {std::string{row.prefix}}}, request("", row.path)) ==
                  row.taken);
        }
    }

    TEST_CASE("path and path_prefix of one rule are alternatives") {
        const config::Match match{.path = {"/health"}, .path_prefix = {"/api"}};
        CHECK(takes(match, request("", "/health")));
        CHECK(takes(match, request("", "/api/x")));
        CHECK_FALSE(takes(match, request("", "/health/x")));
    }

    TEST_CASE("normalising decodes what is unreserved and removes dot segments, no more") {
        struct Row {
            std::string_view path, normal;
        };
        const Row rows[] = {
            {"/", "/"},
            {"", ""},
            {"*", "*"},
            {"/a/b", "/a/b"},
            {"/a//b", "/a//b"},
            {"/.", "/"},
            {"/..", "/"},
            {"/a/.", "/a/"},
            {"/a/..", "/"},
            {"/a/../", "/"},
            {"/a/b/../c", "/a/c"},
            {"/../../a", "/a"},
            {"/a/./b/", "/a/b/"},
            {"/a//../b", "/a/b"},
            {"/...", "/..."},
            {"/.a/..b/c..", "/.a/..b/c.."},
            {"/%2e%2e/a", "/a"},
            {"/a/%2E/b", "/a/b"},
            {"/%41%7a%2D%5f%7E", "/Az-_~"},
            {"/%2f%3f%25", "/%2F%3F%25"},
            {"/%252e", "/%252e"},
            {"/%", "/%"},
            {"/%4", "/%4"},
            {"/%zz", "/%zz"},
            {"/%4g", "/%4g"},
            {"/a;b=1/..;/c", "/a;b=1/..;/c"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.path);
            CHECK(normal(row.path) == row.normal);
            CHECK(normal(row.normal) == row.normal);
        }
    }

    TEST_CASE("long paths are normalised like short ones") {
        for (const int times : {10, 400, 5'000}) {
            std::string path;
            for (int i = 0; i < times; ++i)
                path += "/x/%2e%2e";
            CHECK(takes({.path = {"/api"}}, request("", path + "/api?q")));
        }
    }

    TEST_CASE("methods are exact") {
        const config::Match match{.method = {"GET", "HEAD"}};
        CHECK(takes(match, request("", "/", "HEAD")));
        CHECK_FALSE(takes(match, request("", "/", "POST")));
        CHECK_FALSE(takes(match, request("", "/", "get")));
    }

    TEST_CASE("all asked headers must be there; names without case, values exact") {
        RequestHead head = request("", "/");
        head.fields = {{"x-tenant", "blue"}, {"X-Tenant", "green"}, {"Debug", ""}};
        CHECK(takes({.header = {{"X-TENANT", "green"}}}, head));
        CHECK(takes({.header = {{"x-tenant", ""}, {"debug", ""}}}, head));
        CHECK_FALSE(takes({.header = {{"x-tenant", "Green"}}}, head));
        CHECK_FALSE(takes({.header = {{"x-tenant", "green"}, {"other", ""}}}, head));
        CHECK_FALSE(takes({.header = {{"debug", "1"}}}, head));
    }

    TEST_CASE("the client must come from one of the sources") {
        const config::Match match{
            .source = {parse_prefix("10.0.0.0/8").value(), parse_prefix("2001:db8::/32").value()}};
        CHECK(takes(match, request("", "/"), parse_ip("10.9.9.9").value()));
        CHECK(takes(match, request("", "/"), parse_ip("2001:db8::9").value()));
        CHECK_FALSE(takes(match, request("", "/"), parse_ip("11.0.0.1").value()));
    }

    TEST_CASE("everything that is given must hold") {
        const config::Match match{.host = {"a"}, .path = {"/x"}, .method = {"GET"}};
        CHECK(takes(match, request("a", "/x")));
        CHECK_FALSE(takes(match, request("b", "/x")));
        CHECK_FALSE(takes(match, request("a", "/y")));
        CHECK_FALSE(takes(match, request("a", "/x", "PUT")));
    }

    TEST_CASE("a thousand hosts keep their order") {
        std::vector<config::Rule> rules;
        for (int i = 0; i < 1'000; ++i) {
            const std::string n = std::to_string(i);
            rules.push_back(rule("x" + n, {.host = {"h" + n + ".example.com"}, .path = {"/x"}}));
            rules.push_back(rule("h" + n, {.host = {"h" + n + ".example.com"}}));
        }
        rules.push_back(rule("rest", {.host = {"*.example.com"}}));
        const Router router(std::move(rules));
        CHECK(used(router, request("h0.example.com", "/x")) == "x0");
        CHECK(used(router, request("h777.example.com", "/y")) == "h777");
        CHECK(used(router, request("h1000.example.com", "/y")) == "rest");
        CHECK(used(router, request("example.org", "/y")) == "");
    }

    TEST_CASE("letters of paths are the same in either case when the rule says so") {
        const config::Match match{.path = {"/Exact"},
                                  .path_prefix = {"/Microsoft-Server-ActiveSync"},
                                  .ignore_case = true};
        for (const std::string_view path :
             {"/exact", "/EXACT", "/microsoft-server-activesync", "/MICROSOFT-SERVER-ACTIVESYNC/x",
              "/Microsoft-Server-ActiveSync?Cmd=Ping"})
            CHECK(takes(match, request("", path.substr(0, path.find('?')))));
        for (const std::string_view path :
             {"/exact/", "/microsoft-server-activesyncx", "/micro", "/"})
            CHECK_FALSE(takes(match, request("", path)));
        CHECK_FALSE(takes({.path_prefix = {"/owa"}}, request("", "/OWA/x")));
    }

    TEST_CASE("a TCP connection is matched by server name and source") {
        const Prefix inside = parse_prefix("10.0.0.0/8").value();
        const Router router({rule("a", {.sni = {"A.example.com."}}),
                             rule("near", {.source = {inside}, .sni = {"*.example.com"}}),
                             rule("far", {.sni = {"*.example.com"}})});
        const auto used_by = [&](std::string_view name, std::string_view from) {
            const CompiledRule* found = router.match(name, parse_ip(from).value());
            return found == nullptr ? "" : found->use;
        };
        CHECK(used_by("a.example.com", "10.0.0.1") == "a");
        CHECK(used_by("x.y.example.com", "10.0.0.1") == "near");
        CHECK(used_by("x.y.example.com", "11.0.0.1") == "far");
        CHECK(used_by("example.com", "10.0.0.1") == "");
        CHECK(used_by("", "10.0.0.1") == "");
    }

    TEST_CASE("the server name is waited for only where the first possible rule asks for it") {
        const Prefix inside = parse_prefix("10.0.0.0/8").value();
        const Router router({rule("near", {.source = {inside}}), rule("a", {.sni = {"a"}})});
        CHECK_FALSE(router.needs_server_name(parse_ip("10.0.0.1").value()));
        CHECK(router.needs_server_name(parse_ip("11.0.0.1").value()));
        CHECK(Router({rule("all", {.sni = {"a"}}), rule("rest", {})}).needs_server_name(client));
        CHECK_FALSE(
            Router({rule("rest", {}), rule("a", {.sni = {"a"}})}).needs_server_name(client));
        CHECK_FALSE(Router({}).needs_server_name(client));
    }

    TEST_CASE("a rule keeps its own time-outs") {
        config::Rule slow = rule("slow", {});
        slow.timeouts = config::Timeouts{};
        slow.timeouts->response = std::chrono::minutes(35);
        const Router router({slow});
        CHECK(router.match(request("", "/"), client)->timeouts == slow.timeouts);
    }
}
