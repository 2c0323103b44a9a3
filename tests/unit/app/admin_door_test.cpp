// The administration of a runtime that runs: questions over HTTP, answers of the control thread.
#include "app/admin_door.hpp"

#include "app/commands.hpp"
#include "tests/unit/app/running.hpp"

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;
using nlohmann::json;

namespace {

std::string yaml() {
    return "services:\n  web:\n    listen: \"" + at(free_port()) +
           "\"\n    health: none\n    servers: [{name: web1, address: \"127.0.0.1:9\"}]\n";
}

// A node with an administrator and his token.
struct Administered {
    Administered() {
        UserOptions options{.verb = "add", .name = "alice", .file = users};
        std::istringstream password("correct horse\n");
        std::ostringstream out;
        std::ostringstream err;
        Terminal terminal{.out = out, .err = err};
        REQUIRE(run_user(options, terminal, password) == exit_good);
        out.str("");
        options = {.verb = "token", .name = "test", .file = users};
        REQUIRE(run_user(options, terminal, password) == exit_good);
        token = out.str().substr(0, out.str().find('\n'));
        log = Log::open({.path = "/dev/null"}).value();
        door = std::make_unique<AdminDoor>(
            admin::AdminOptions{.http = *parse_ip("127.0.0.1"),
                                .users_file = users,
                                .state_folder = (folder.path / "state").string(),
                                .config_path = "",
                                .node_name = "lb1"},
            poise.runtime(), *log);
        REQUIRE(door->start());
    }
    ~Administered() { door->stop(); }

    std::string asked(const std::string& line, const std::string& body = "") const {
        const std::string answer =
            talk(door->admin().places().front().port,
                 line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " +
                     token + "\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + body);
        const std::size_t head = answer.find("\r\n\r\n");
        return head == std::string::npos ? "" : answer.substr(head + 4);
    }

    const Folder folder;
    const std::string users = (folder.path / "users.yaml").string();
    std::string token;
    Running poise{yaml()};
    std::unique_ptr<Log> log;
    std::unique_ptr<AdminDoor> door;
};

}  // namespace

TEST_SUITE("app/admin_door") {
    TEST_CASE("orders and checks reach the running program") {
        Administered here;
        const auto server = "/api/v1/services/web/servers/web1";

        CHECK(json::parse(here.asked(std::string("POST ") + server + "/drain"))["state"] ==
              "drain");
        CHECK(here.poise.status().services[0].servers[0].state == "drain");
        CHECK(json::parse(here.asked(std::string("PUT ") + server + "/weight",
                                     R"({"weight":7})"))["weight"] == 7);
        CHECK(json::parse(here.asked("GET /api/v1/status"))["services"][0]["name"] == "web");
        const json good =
            json::parse(here.asked("POST /api/v1/config/check", json{{"text", yaml()}}.dump()));
        CHECK(good["ok"] == true);
        const json bad = json::parse(here.asked(
            "POST /api/v1/config/check", json{{"text", "services:\n  web: {mode: x}\n"}}.dump()));
        CHECK(bad["errors"][0]["line"] == 2);
        CHECK(json::parse(here.asked("POST /api/v1/reload"))["generation"] == 2);
        CHECK(json::parse(here.asked("GET /api/v1/config"))["status"] == 409);
    }

    TEST_CASE("a page that asks while the program ends does not hold it up") {
        Administered here;
        std::atomic<bool> ended{false};
        std::thread asking([&] {
            while (!ended)
                here.asked("GET /api/v1/status");
        });
        here.door->stop();
        ended = true;
        asking.join();
        CHECK(here.asked("GET /api/v1/status").empty());
    }
}
