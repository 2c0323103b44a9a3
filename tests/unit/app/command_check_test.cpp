// `poise check` and what `poise serve` says of a file that it cannot read.
#include "tests/unit/app/running.hpp"
#include "tests/unit/app/saying.hpp"

#include <nlohmann/json.hpp>

using namespace poise::app;
using namespace poise::app::test;

namespace {

constexpr const char* good = "services: {web: {listen: \":8080\", servers: [\"127.0.0.1:9\"]}}\n";

}  // namespace

TEST_SUITE("app/command_check") {
    TEST_CASE("a good file is counted, a bad one is told of on the standard error") {
        const Folder folder;
        const auto file = folder.write("poise.yaml", good);
        const auto bad = folder.write("bad.yaml", "services: 1\n");

        const Said fine = said({"check", file});
        const Said wrong = said({"check", file, bad});

        CHECK(fine.code == 0);
        CHECK(fine.out == file + ": ok, 1 service, 1 address, 1 server\n");
        CHECK(fine.err.empty());
        CHECK(wrong.code == 1);
        CHECK(holds(wrong.err, bad + ":1:11: error: "));
    }

    TEST_CASE("the effective values load again") {
        const Folder folder;
        const Said effective = said({"check", "--effective", folder.write("a.yaml", good)});

        CHECK(effective.code == 0);
        CHECK(said({"check", folder.write("b.yaml", effective.out)}).code == 0);
    }

    TEST_CASE("a missing file has no line, for people and for programs") {
        const Said people = said({"check", "/nonexistent.yaml"});
        const Said programs = said({"check", "--json", "/nonexistent.yaml"});

        CHECK(people.code == 1);
        CHECK(people.err == "/nonexistent.yaml: error: the file does not exist\n");
        CHECK(programs.code == 1);
        const auto found = nlohmann::json::parse(programs.out)[0]["diagnostics"][0];
        CHECK(found["line"].is_null());
        CHECK(found["column"].is_null());
        CHECK(found["message"] == "the file does not exist");
    }

    TEST_CASE("serving a missing file says how to name another one, and what needs none") {
        const Said serve = said({"serve", "--config", "/nonexistent.yaml"});

        CHECK(serve.code == 1);
        CHECK(
            serve.err ==
            "/nonexistent.yaml: error: the file does not exist\n"
            "  hint: name the file with --config PATH; `poise demo` and `poise proxy` need none\n");
    }

    TEST_CASE("the schema is JSON") {
        CHECK(nlohmann::json::parse(said({"schema"}).out).is_object());
        CHECK(nlohmann::json::parse(said({"schema", "--node"}).out).is_object());
    }
}
