// Who gets where: every endpoint with every role, and all the ways to be sent away.
#include "admin/api.hpp"

#include "tests/unit/admin/fake_program.hpp"

#include <nlohmann/json.hpp>

using namespace poise;
using namespace poise::admin;
using namespace poise::admin::test;
using nlohmann::json;

namespace {

// "/services/{service}" with a name in it.
std::string concrete(std::string_view pattern) {
    std::string path(pattern);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{'))
        path.replace(at, path.find('}') - at + 1, "web1");
    return path;
}

std::string kind(const Response& response) {
    const json document = json::parse(response.body, nullptr, false);
    return document.is_object() ? document.value("type", "") : "";
}

}  // namespace

TEST_SUITE("admin/api") {
    TEST_CASE("every endpoint lets in its role and those above, and nobody else") {
        Fixture here;
        here.add_users();
        const Principal viewer = here.sign_in("viewer");
        const Principal operator_ = here.sign_in("operator");
        const Principal administrator = here.sign_in("administrator");

        for (const Endpoint& endpoint : endpoints()) {
            const std::string path = concrete(endpoint.path);
            CAPTURE(path);
            CAPTURE(word(endpoint.method));
            const Request bare = here.request(endpoint.method, path);
            const bool is_open = endpoint.least == Role::nobody;
            CHECK((here.answered(bare).status == 401) != is_open);
            for (const Principal& who : {viewer, operator_, administrator}) {
                if (is_open || path == "/api/v1/session") continue;  // would sign out
                CAPTURE(who.name);
                const unsigned status = here.answered(here.as(who, bare)).status;
                CHECK(status != 401);
                CHECK((status == 403) == (who.role < endpoint.least));
                if (endpoint.method == Method::get) continue;
                Request forged = here.as(who, bare);
                forged.csrf = "guessed";
                CHECK(here.answered(forged).status == 403);
                forged = here.as(who, bare);
                forged.origin = "https://evil.example";
                CHECK(here.answered(forged).status == 403);
            }
        }
    }

    TEST_CASE("a token needs no CSRF value, has its role, and ends") {
        Fixture here;
        NewToken token;
        REQUIRE(here.access.change([&](Users& users) -> std::expected<void, std::string> {
            token = *add_token(users, "ci", Role::operator_, 1'800'000'100, "me", 1);
            return {};
        }));
        Request request = here.request(Method::post, "/api/v1/services/web/servers/web1/drain");
        request.authorization = "Bearer " + token.secret;

        CHECK(here.answered(request).status == 200);
        CHECK(here.program.orders == std::vector<std::string>{"web/web1 0"});
        request.path = "/api/v1/reload";
        CHECK(here.answered(request).status == 403);
        here.time += std::chrono::seconds(200);
        CHECK(here.answered(request).status == 401);
        request.authorization = "Bearer poise_other";
        CHECK(here.answered(request).status == 401);
    }

    TEST_CASE("a session is made anew at each sign-in, whatever cookie came with it") {
        Fixture here;
        here.add_users();
        Request request = here.request(Method::post, "/api/v1/session",
                                       R"({"user":"viewer","password":"correct horse"})");
        request.cookie = "__Host-poise=chosen-by-somebody-else";

        const Response response = here.answered(request);

        REQUIRE(response.status == 200);
        const auto& [name, cookie] = response.fields.front();
        CHECK(name == "Set-Cookie");
        CHECK(cookie.starts_with("__Host-poise="));
        CHECK(cookie.find("chosen") == std::string::npos);
        CHECK(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict"));
        request.method = Method::get;
        request.body.clear();
        CHECK(json::parse(here.answered(request).body)["signed_in"] == false);
    }

    TEST_CASE("plain HTTP from elsewhere is sent on to HTTPS, whatever it asks for") {
        Fixture here;
        Request request = here.request(Method::get, "/api/v1/status");
        request.tls = false;
        request.client = *parse_address("10.0.0.9:4000");
        request.host = "lb1:9080";
        CHECK(here.answered(request).status == 403);
        here.api.https_port = 9443;

        const Response response = here.answered(request);

        CHECK(response.status == 308);
        CHECK(response.fields.front().second == "https://lb1:9443/api/v1/status");
        request.client = *parse_address("127.0.0.1:4000");
        CHECK(here.answered(request).status == 401);
    }

    TEST_CASE("what is wrong with a body is told for each field") {
        Fixture here;
        here.add_users();
        const Principal who = here.sign_in("operator");
        const std::string path = "/api/v1/services/web/servers/web1/weight";
        struct Row {
            const char* body;
            unsigned status;
            const char* field;
        };
        for (const Row& row :
             {Row{R"({"weight":257})", 400, "/weight"}, Row{R"({"weight":"5"})", 400, "/weight"},
              Row{R"({"weight":5.5})", 400, "/weight"}, Row{R"({"weight":-1})", 400, "/weight"},
              Row{R"({"weight":99999999999999999999})", 400, "/weight"},
              Row{R"({"weight":18446744073709551615})", 400, "/weight"},
              Row{R"({"wait":5})", 400, "/wait"}, Row{"{}", 400, "/weight"}, Row{"[]", 400, ""},
              Row{"{", 400, ""}, Row{"5", 400, ""}, Row{R"({"weight":5})", 200, ""}}) {
            CAPTURE(row.body);
            const Response response =
                here.answered(here.as(who, here.request(Method::put, path, row.body)));
            CHECK(response.status == row.status);
            if (row.status == 200) continue;
            CHECK(response.type == "application/problem+json");
            CHECK(json::parse(response.body)["errors"][0]["field"] == row.field);
        }
        Request form = here.as(who, here.request(Method::put, path, "weight=5"));
        form.content_type = "application/x-www-form-urlencoded";
        CHECK(here.answered(form).status == 415);
    }

    TEST_CASE("other methods and other paths are told apart") {
        Fixture here;
        const Response wrong = here.answered(here.request(Method::put, "/api/v1/users"));
        CHECK(wrong.status == 405);
        CHECK(wrong.fields.front() == std::pair<std::string, std::string>{"Allow", "GET, POST"});
        for (const char* path :
             {"/api/v1/", "/api/v2/status", "/api/v1/status/", "/../etc/passwd", "/%2e%2e/x",
              "/api/v1/../../etc/passwd", "/api/v1/services//servers/x", "//", "/app.js/"})
            CHECK(here.answered(here.request(Method::get, path)).status == 404);
        CHECK(here.answered(here.request(Method::other, "/")).status == 405);
    }

    TEST_CASE("the page comes without signing in, and says when it has not changed") {
        Fixture here;
        Request request = here.request(Method::get, "/");
        const Response page = here.answered(request);
        CHECK(page.status == 200);
        CHECK(page.type == "text/html; charset=utf-8");
        request.if_none_match = page.fields.front().second;
        CHECK(here.answered(request).status == 304);
    }

    TEST_CASE("a configuration with errors changes nothing and names the line") {
        Fixture here;
        here.add_users();
        const Principal who = here.sign_in("administrator");
        const std::string version = here.config.read()->version;
        const json body{{"text", "wrong"}, {"expected_version", version}};

        const Response refused =
            here.answered(here.as(who, here.request(Method::put, "/api/v1/config", body.dump())));

        CHECK(refused.status == 422);
        CHECK(json::parse(refused.body)["errors"][0]["line"] == 2);
        CHECK(here.folder.read("poise.yaml") == "# mine\nservices: {}\n");
        const json other{{"text", "good"}, {"expected_version", "0000"}};
        const Response conflict =
            here.answered(here.as(who, here.request(Method::put, "/api/v1/config", other.dump())));
        CHECK(conflict.status == 409);
        CHECK(kind(conflict) == "urn:poise:problem:conflict");
        CHECK(here.program.reloads == 0);
    }

    TEST_CASE("a pair that cannot change hands says why") {
        Fixture here;
        here.add_users();
        const Request request =
            here.as(here.sign_in("operator"), here.request(Method::post, "/api/v1/pair/takeover"));
        CHECK(here.answered(request).status == 202);
        here.program.pair_error = "there is no pair";
        const Response refused = here.answered(request);
        CHECK(refused.status == 409);
        CHECK(json::parse(refused.body)["detail"] == "there is no pair");
    }

    TEST_CASE("every change is in the audit log: who, from where, what, before, after") {
        Fixture here;
        here.add_users();
        const Principal who = here.sign_in("operator");
        here.answered(
            here.as(who, here.request(Method::put, "/api/v1/services/web/servers/web1/weight",
                                      R"({"weight":7})")));
        const json entry = json::parse(here.audit.last(1))[0];
        CHECK(entry["who"] == "operator");
        CHECK(entry["from"] == "127.0.0.1");
        CHECK(entry["target"] == "web/web1");
        CHECK(entry["before"] == "up, weight 100");
        CHECK(entry["after"] == "drain, weight 7");
        CHECK(here.folder.read("audit.log").find("web/web1") != std::string::npos);
    }
}
