#include "app/own_command.hpp"

#include "tests/unit/app/running.hpp"

using namespace poise::app;
using namespace poise::app::test;

TEST_SUITE("app/own_command") {
    TEST_CASE("the name alone is enough when PATH leads to this very program") {
        const Folder folder;
        const Folder other;
        const std::string own = folder.write("poise", "this one");
        other.write("poise", "another one");
        const std::string here = folder.path.string();

        CHECK(own_command(own, here) == "poise");
        CHECK(own_command(own, "/nonexistent:" + here + ":/bin") == "poise");
        CHECK(own_command(own, here + ":" + other.path.string()) == "poise");
        CHECK(own_command(own, other.path.string() + ":" + here) == own);
        CHECK(own_command(own, "/nonexistent") == own);
        CHECK(own_command(own, "") == own);
        CHECK(own_command("", "") == "poise");
    }

    TEST_CASE("a path that a shell would take apart is quoted") {
        CHECK(own_command("/a b/poise", "") == "'/a b/poise'");
        CHECK(own_command("/it's/poise", "") == "'/it'\\''s/poise'");
    }

    TEST_CASE("the running program knows its file") {
        CHECK(own_file().ends_with("/app_tests"));
    }
}
