// What a reload says, and what it leaves to a restart.
#include "tests/unit/app/logged_runtime.hpp"

#include <fmt/format.h>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

std::string service(const std::string& more = "") {
    return fmt::format(
        "services: {{web: {{listen: \"127.0.0.1:{}\", health: none, servers: "
        "[\"127.0.0.1:9\"]{}}}}}",
        free_port(), more);
}

}  // namespace

TEST_SUITE("app/runtime reload") {
    // Not a word told that the file is read at the start only.
    TEST_CASE("a changed node.yaml is told to need a restart") {
        const LoggedRuntime poise(service(), "node: {workers: 1}\nlog: {level: info}\n");
        CHECK(poise.runtime->reload().changes.find("restart") == std::string::npos);

        const auto path = poise.folder.file("node.yaml");
        write_file(path, "node: {workers: 2, name: lb2}\nlog: {level: info}\n");
        CHECK(poise.runtime->reload().changes.find(
                  path + " has changed (name, workers): that needs a restart") !=
              std::string::npos);
        CHECK(poise.has_logged("reloaded: " + path + " has changed (name, workers)"));

        write_file(path, "node: {workers: none}\n");
        const auto outcome = poise.runtime->reload();
        CHECK(outcome.error == "");
        CHECK(outcome.changes.find("would not start again") != std::string::npos);
    }

    TEST_CASE("a fallback server stands in the status") {
        const LoggedRuntime poise(service(", fallback: \"127.0.0.1:10\""));
        const Status status = poise.runtime->status();
        REQUIRE(status.services.at(0).servers.size() == 2);
        CHECK(status.services[0].servers[1].name == "127.0.0.1:10");
        CHECK(status.services[0].servers[1].state == "fallback");
        CHECK(status_from_json(status_to_json(status)) == status);
    }
}
