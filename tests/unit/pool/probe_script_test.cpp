// Health checks by script: arguments, exit codes, the time-out that kills it.
#include "pool/probe.hpp"
#include "tests/unit/pool/scripted_server.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

namespace {

// A script in a directory that goes away with it.
struct Fixture {
    Fixture() {
        std::string name = (std::filesystem::temp_directory_path() / "poise_probe_XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        directory = name;
    }
    ~Fixture() { std::filesystem::remove_all(directory); }

    std::string write_script(const std::string& text) const {
        const auto path = (directory / "check").string();
        std::ofstream(path) << "#!/bin/sh\n" << text;
        ::chmod(path.c_str(), 0700);
        return path;
    }

    static Task<void> keep_result(config::HealthCheck check, ProbeResult* into) {
        const ProbeTarget target{.server = loopback(8080),
                                 .host = "web.example",
                                 .virtual_address = *parse_address("10.0.0.100:443")};
        *into = co_await run_probe(check, target);
    }

    static config::HealthCheck check_of(std::string script, std::chrono::milliseconds timeout) {
        config::HealthCheck check;
        check.check = config::CheckKind::script;
        check.script = std::move(script);
        check.timeout = timeout;
        return check;
    }

    ProbeResult run(const std::string& text, std::chrono::milliseconds timeout = 10s) {
        return run_path(write_script(text), timeout);
    }
    ProbeResult run_path(const std::string& path, std::chrono::milliseconds timeout = 10s) {
        TaskGroup tasks(io.get_executor());
        ProbeResult result;
        tasks.spawn(&Fixture::keep_result, check_of(path, timeout), &result);
        REQUIRE(run_until(io, [&] { return tasks.running() == 0; }));
        return result;
    }

    static std::ptrdiff_t open_descriptors() {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    }
    static bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }
    // Whether a process of that number is more than a zombie.
    static bool is_alive(pid_t pid) {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string number, name, state;
        return (stat >> number >> name >> state) && state != "Z";
    }
    pid_t written_pid() const {
        pid_t pid = 0;
        std::ifstream(directory / "pid") >> pid;
        return pid;
    }

    asio::io_context io{1};
    std::filesystem::path directory;
};

}  // namespace

TEST_SUITE("pool/probe_script") {
    TEST_CASE_FIXTURE(Fixture, "the exit code decides and the first line is kept") {
        struct Row {
            const char* script;
            bool ok;
            const char* reason;
        };
        const Row rows[] = {
            {"exit 0", true, ""},
            {"echo fine; echo more", true, "fine"},
            {"exit 3", false, "the script ended with code 3"},
            {"echo disk full >&2; exit 1", false, "the script ended with code 1: disk full"},
            {"kill -9 $$", false, "signal 9 ended the script"},
            {"echo $*", true, "10.0.0.100 443 127.0.0.1 8080"},
            {"printf 'a\\tb\\n'", true, "a?b"},
            {"if read line; then exit 1; fi", true, ""},
        };
        for (const auto& row : rows) {
            CAPTURE(row.script);
            const auto result = run(row.script);
            CHECK(result.ok == row.ok);
            CHECK(result.reason == row.reason);
        }
    }

    TEST_CASE_FIXTURE(Fixture, "a script that cannot run says why") {
        CHECK(run_path("/nonexistent/check").reason ==
              "cannot run /nonexistent/check: No such file or directory");
    }

    TEST_CASE_FIXTURE(Fixture, "much output neither blocks the script nor is kept") {
        const auto result = run("head -c 1000000 /dev/zero | tr '\\0' x");
        CHECK(result.ok);
        CHECK(result.reason == std::string(200, 'x'));
    }

    TEST_CASE_FIXTURE(Fixture, "after the time-out the script and its children are killed") {
        const auto pid_file = (directory / "pid").string();
        const auto result = run("sleep 1000 & echo $! > " + pid_file + "; wait", 500ms);
        CHECK(result.reason == "timed out after 500ms running the script");
        REQUIRE(written_pid() > 0);
        CHECK(run_until(io, [&] { return !is_alive(written_pid()); }));
    }

    TEST_CASE_FIXTURE(Fixture, "a child left behind is killed when the script ends") {
        const auto pid_file = (directory / "pid").string();
        CHECK(run("sleep 1000 & echo $! > " + pid_file).ok);
        REQUIRE(written_pid() > 0);
        CHECK(run_until(io, [&] { return !is_alive(written_pid()); }));
    }

    TEST_CASE_FIXTURE(Fixture, "a script inherits none of our descriptors") {
        const tcp::acceptor ours(io, {asio::ip::address_v4::loopback(), 0});
        // 0, 1 and 2, and the one that lists them
        CHECK(run("ls /proc/self/fd | tr '\\n' ' '").reason == "0 1 2 3 ");
    }

    TEST_CASE_FIXTURE(Fixture, "nothing is left open and nobody unreaped") {
        run("exit 0");
        const auto before = open_descriptors();
        for (int i = 0; i < 10; ++i) {
            run("echo hello; exit 1");
            run_path("/nonexistent/check");
            run("sleep 1000", 20ms);
        }
        CHECK(open_descriptors() == before);
        CHECK(no_children());
    }

    TEST_CASE_FIXTURE(Fixture, "a cancelled check leaves nothing behind either") {
        run("exit 0");
        const auto before = open_descriptors();
        const auto path = write_script("sleep 1000");
        {
            TaskGroup tasks(io.get_executor());
            ProbeResult result;
            tasks.spawn(&Fixture::keep_result, check_of(path, 100s), &result);
            for (int i = 0; i < 5; ++i) {
                io.restart();
                io.run_one_for(10ms);
            }
            REQUIRE(cancel_and_wait(io, tasks));
        }
        CHECK(run_until(io, [&] { return no_children(); }));
        CHECK(run_until(io, [&] { return open_descriptors() == before; }));
    }
}
