#include "app/machine_checks.hpp"

#include "tests/unit/app/logged_runtime.hpp"

#include <fmt/format.h>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

// What is wrong with a service that listens on `listen`, "line:column message"; empty: nothing.
std::string errors_of(const std::string& listen) {
    const auto text = fmt::format(
        "services:\n  web:\n    listen: \"{}\"\n    servers: [\"10.0.0.1:80\"]\n", listen);
    const auto loaded =
        config::parse_config(text, "poise.yaml", ".", machine_checks("/nowhere/poise.sock"));
    if (loaded) return "";
    std::string all;
    for (const auto& found : loaded.error())
        all += fmt::format("{}:{} {}", found.at.line, found.at.column, found.message);
    return all;
}

std::string node_errors(const std::string& text) {
    const auto loaded = config::parse_node(text, "node.yaml", machine_checks(""));
    if (loaded) return "";
    std::string all;
    for (const auto& found : loaded.error())
        all += fmt::format("{}:{} {}", found.at.line, found.at.column, found.message);
    return all;
}

}  // namespace

// Goal: what passes the check starts. Each of these passed, and serve refused it.
TEST_SUITE("app/machine_checks") {
    TEST_CASE("an address that no interface has is told, with its place in the file") {
        CHECK(errors_of("192.0.2.1:8080") ==
              "3:13 cannot listen on 192.0.2.1:8080: no interface of this machine has the address");
        CHECK(errors_of(fmt::format("127.0.0.1:{}", free_port())) == "");
    }

    TEST_CASE("a port of another program is told, one of the Poise that runs is not") {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto port = free_port();
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        where.sin_port = htons(port);
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
        REQUIRE(::listen(fd, 1) == 0);
        CHECK(
            errors_of(fmt::format("127.0.0.1:{}", port)) ==
            fmt::format("3:13 cannot listen on 127.0.0.1:{}: another process already does", port));
        ::close(fd);

        const LoggedRuntime poise(
            fmt::format("services: {{web: {{listen: \"127.0.0.1:{}\", health: none, servers: "
                        "[\"127.0.0.1:9\"]}}}}",
                        free_port()));
        CHECK(config::load_config(poise.folder.file("poise.yaml"), machine_checks("")));
    }

    TEST_CASE("a log that cannot be written is told") {
        const TemporaryFolder folder;
        CHECK(node_errors("log: {file: " + folder.file("log") + "}") == "");
        CHECK_FALSE(std::filesystem::exists(folder.file("log")));
        CHECK(
            node_errors("log: {file: " + folder.path.string() + "}") ==
            fmt::format("1:13 cannot write the log to '{}': Is a directory", folder.path.string()));
        CHECK(node_errors("log: {file: " + folder.file("none/log") + "}") ==
              fmt::format("1:13 cannot write the log to '{}': No such file or directory",
                          folder.file("none/log")));
    }

    TEST_CASE("a control socket that cannot be made is told") {
        const TemporaryFolder folder;
        CHECK(node_errors("node: {control: " + folder.file("ctl") + "}") == "");
        CHECK(node_errors("node: {control: " + folder.file("none/ctl") + "}") ==
              fmt::format("1:17 control socket {}: No such file or directory",
                          folder.file("none/ctl")));
        write_file(folder.file("ctl"), "");
        CHECK(
            node_errors("node: {control: " + folder.file("ctl") + "}") ==
            fmt::format("1:17 control socket {}: a file of that name exists", folder.file("ctl")));
    }
}
