// `poise user`: what it writes and what it says.
#include "app/commands.hpp"
#include "tests/unit/app/running.hpp"
#include "tests/unit/app/saying.hpp"

#include <sstream>

using namespace poise::app;
using namespace poise::app::test;

namespace {

Said run(const UserOptions& options, const std::string& typed = "") {
    std::istringstream in(typed);
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.out = out, .err = err};
    const int code = run_user(options, terminal, in);
    return {code, out.str(), err.str()};
}

}  // namespace

TEST_SUITE("app/command_user") {
    TEST_CASE("a user is added with a password from the standard input, and removed") {
        const Folder folder;
        const std::string file = (folder.path / "users.yaml").string();
        CHECK(run({.verb = "list", .file = file}).out.find("nobody yet") == 0);
        CHECK(run({.verb = "add", .name = "alice", .file = file}, "short\n").err ==
              "poise: a password has at least 10 characters\n");
        CHECK(run({.verb = "add", .name = "alice", .file = file}, "correct horse\n").code == 0);
        CHECK(run({.verb = "list", .file = file}).out ==
              "user   alice                    administrator\n");
        CHECK(run({.verb = "passwd", .name = "bob", .file = file}, "correct horse\n").err ==
              "poise: there is no user 'bob'\n");
        const Said token = run({.verb = "token", .name = "ci", .role = "viewer", .file = file});
        CHECK(token.out.starts_with("poise_"));
        CHECK(run({.verb = "remove", .name = "alice", .file = file}).code == 0);
    }

    TEST_CASE("the command line knows its verbs and takes no password as a word") {
        CHECK(said({"user"}).code == exit_usage);
        CHECK(said({"user", "add"}).code == exit_usage);
        CHECK(said({"user", "add", "alice", "--password", "x"}).code == exit_usage);
        CHECK(said({"user", "--help"}).out.find("passwd") != std::string::npos);
        CHECK(said({"user", "token", "x", "--days", "0"}).code == exit_usage);
    }
}
