#include "ha/hook.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

HookEvent change(bool active, const char* reason) {
    return {
        .active = active,
        .reason = reason,
        .node = "lb1",
        .peer = "lb2",
        .epoch = 7,
        .addresses = {{*parse_ip("10.0.0.100"), 24, "eth0"}, {*parse_ip("fd00::1"), 64, "eth1"}}};
}

// A script in a folder of its own, and what the hook has told of it.
struct Fixture {
    explicit Fixture(const std::string& script) {
        std::string name = (std::filesystem::temp_directory_path() / "poise_hook_XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
        path = (folder / "hook").string();
        std::ofstream(path) << "#!/bin/sh\n" << script;
        ::chmod(path.c_str(), 0700);
    }
    ~Fixture() { std::filesystem::remove_all(folder); }

    Hook::Tell tell() {
        return [this](bool bad, const std::string& line) {
            told += (bad ? "bad " : "good ") + line.substr(line.find('(')) + "\n";
        };
    }
    std::string read(const char* file) const {
        std::ostringstream text;
        text << std::ifstream(folder / file).rdbuf();
        return text.str();
    }

    boost::asio::io_context io;
    std::filesystem::path folder;
    std::string path, told;
};

}  // namespace

TEST_SUITE("ha/hook") {
    TEST_CASE("the program gets state, reason, epoch and addresses, twice") {
        Fixture fixture(
            "cd \"${0%/*}\"; echo \"$@\" > arguments; env | grep ^POISE_ | grep -v ^POISE_COUNTS= "
            "| sort > "
            "names\n");
        Hook hook(fixture.io.get_executor(), fixture.path, fixture.tell());

        hook.changed(change(true, "peer_dead"));
        fixture.io.run();

        CHECK(fixture.told == "good (active, peer_dead) ended with exit code 0\n");
        CHECK(fixture.read("arguments") == "active peer_dead 7 10.0.0.100/24 fd00::1/64\n");
        CHECK(fixture.read("names") ==
              "POISE_ADDRESSES=10.0.0.100/24 fd00::1/64\n"
              "POISE_EPOCH=7\nPOISE_INTERFACES=eth0 eth1\n"
              "POISE_NODE=lb1\nPOISE_PEER=lb2\nPOISE_REASON=peer_dead\n"
              "POISE_STATE=active\n");
    }

    TEST_CASE("of the changes during a run only the last is told") {
        Fixture fixture("cd \"${0%/*}\"; echo \"$1\" >> states\n");
        Hook hook(fixture.io.get_executor(), fixture.path, fixture.tell());

        hook.changed(change(true, "one"));
        fixture.io.poll();  // it has begun
        hook.changed(change(false, "two"));
        hook.changed(change(true, "three"));
        hook.changed(change(false, "four"));
        fixture.io.restart();
        fixture.io.run();

        CHECK(fixture.told ==
              "good (active, one) ended with exit code 0\n"
              "good (standby, four) ended with exit code 0\n");
        CHECK(fixture.read("states") == "active\nstandby\n");
    }

    TEST_CASE("a program that fails, hangs or is missing is told, with its first line") {
        Fixture failing("echo no token; exit 3\n"), hanging("echo slow; exec sleep 1000\n");
        Hook first(failing.io.get_executor(), failing.path, failing.tell());
        first.changed(change(true, "x"));
        failing.io.run();
        CHECK(failing.told == "bad (active, x) ended with exit code 3: no token\n");

        Hook second(hanging.io.get_executor(), hanging.path, hanging.tell(), 100ms);
        second.changed(change(true, "x"));
        hanging.io.run();
        CHECK(
            hanging.told.starts_with("bad (active, x) had not ended after 100 ms and was killed"));

        Fixture missing("");
        Hook third(missing.io.get_executor(), missing.path + "-not-there", missing.tell());
        third.changed(change(true, "x"));
        missing.io.run();
        CHECK(missing.told == "bad (active, x) cannot be started: No such file or directory\n");
    }

    TEST_CASE("no program: nothing happens; cancelled: it is killed at once") {
        Fixture fixture("exec sleep 1000\n");
        Hook none(fixture.io.get_executor(), "", fixture.tell());
        none.changed(change(true, "x"));
        CHECK(none.running() == 0);

        Hook hook(fixture.io.get_executor(), fixture.path, fixture.tell());
        hook.changed(change(true, "x"));
        fixture.io.poll();
        hook.changed(change(false, "y"));
        hook.cancel();
        fixture.io.restart();
        fixture.io.run();
        CHECK(hook.running() == 0);
        CHECK(fixture.told.empty());
    }
}
