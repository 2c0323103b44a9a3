// Clients of persistence and flows of layer 4 over the API: filters, bounds, the audit log.
#include "admin/api.hpp"
#include "tests/unit/admin/fake_program.hpp"

#include <nlohmann/json.hpp>

using namespace poise;
using namespace poise::admin;
using namespace poise::admin::test;
using nlohmann::json;

namespace {

struct Signed : Fixture {
    Signed() {
        add_users();
        who = sign_in("administrator");
    }
    Response got(const std::string& path, const std::string& query) {
        Request asked = as(who, request(Method::get, path));
        asked.query = query;
        return answered(asked);
    }

    Principal who;
};

}  // namespace

TEST_SUITE("admin/api_clients") {
    TEST_CASE("the query chooses, and is checked") {
        Signed here;

        CHECK(here.got("/api/v1/services/web/clients", "server=a&client=10.0.0.1&limit=7").status ==
              200);
        CHECK(here.program.asked.service == "web");
        CHECK(here.program.asked.server == "a");
        CHECK(here.program.asked.client == "10.0.0.1");
        CHECK(here.program.asked.count_max == 7);
        CHECK(here.got("/api/v1/services/shop/clients", "").status == 404);
        CHECK(here.got("/api/v1/flows", "service=web").status == 200);
        CHECK(here.program.asked.count_max == 100);
        for (const char* wrong : {"limit=0", "limit=1001", "limit=x", "limit=", "limit=5x",
                                  "limit=99999999999999999999"}) {
            CAPTURE(wrong);
            CHECK(here.got("/api/v1/flows", wrong).status == 400);
            CHECK(here.got("/api/v1/services/web/clients", wrong).status == 400);
        }
        CHECK(here.got("/api/v1/flows", "client=nobody").status == 400);
    }

    TEST_CASE("a client that is forgotten is written down") {
        Signed here;
        const auto forget = [&](const std::string& key) {
            return here
                .answered(here.as(
                    here.who, here.request(Method::delete_, "/api/v1/services/web/clients/" + key)))
                .status;
        };

        CHECK(forget("00ff") == 204);
        CHECK(forget("00fe") == 404);
        const json audit = json::parse(here.got("/api/v1/audit", "").body);
        REQUIRE(audit.size() >= 1);
        CHECK(audit[0]["what"] == "client forgotten:");
        CHECK(audit[0]["target"] == "web/00ff");
    }

    TEST_CASE("the document names the parameters of a query") {
        Signed here;
        const json document = json::parse(here.got("/api/v1/openapi.json", "").body);
        const json& list = document["paths"]["/api/v1/services/{service}/clients"]["get"];

        REQUIRE(list["parameters"].size() == 4);
        CHECK(list["parameters"][0]["in"] == "query");
        CHECK(list["parameters"][3]["name"] == "service");
    }

    TEST_CASE("alerts: what is open is told, and a test without anybody to tell is a conflict") {
        Signed here;

        const json alerts = json::parse(here.got("/api/v1/alerts", "").body);
        CHECK(alerts["open"].empty());
        CHECK(alerts["places"].empty());
        const Response test =
            here.answered(here.as(here.who, here.request(Method::post, "/api/v1/alerts/test")));
        CHECK(test.status == 409);
        CHECK(json::parse(test.body)["detail"].get<std::string>().find("alerts.smtp") !=
              std::string::npos);
    }
}
