#include "app/door_watch.hpp"

#include "tests/unit/app/logged_runtime.hpp"

#include <fmt/format.h>

#include <algorithm>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;
using namespace std::chrono_literals;

namespace {

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    where.sin_port = htons(port);
    CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    return fd;
}

// Counts are those of the status.
bool until_refused(const LoggedRuntime& poise, std::uint64_t count) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (poise.runtime->status().refused_connections < count)
        if (std::chrono::steady_clock::now() > until) return false;
    return true;
}

}  // namespace

TEST_SUITE("app/door_watch") {
    TEST_CASE("what begins is told at once, what goes on once a minute") {
        const TemporaryFolder folder;
        auto log = Log::open({.path = folder.file("log")}).value();
        proxy::Incidents incidents;
        DoorWatch door(incidents, *log);
        const DoorWatch::Time start{1h};

        door.look({}, start);
        CHECK(incidents.total() == 0);
        door.look({.refused_connections = 3}, start + 2s);
        CHECK(incidents.total() == 1);
        CHECK(incidents.last(1)[0].reason == proxy::Reason::too_many_connections);
        CHECK(incidents.last(1)[0].detail == "3 client connections were refused");
        door.look({.refused_connections = 50}, start + 4s);
        door.look({.refused_connections = 90, .accept_errors = 1}, start + 60s);
        CHECK(incidents.total() == 1);
        door.look({.refused_connections = 91, .accept_errors = 9}, start + 62s);
        CHECK(incidents.total() == 2);
        CHECK(incidents.last(1)[0].detail == "88 client connections were refused");
        door.look({.refused_connections = 91, .accept_errors = 9}, start + 10min);
        CHECK(incidents.total() == 2);

        CHECK(log->flush_within(10s));
        const std::string text = read_text(folder.file("log"));
        CHECK(std::ranges::count(text, '\n') == 4);
        CHECK(text.find("was free for one, 1 time;") != std::string::npos);
        CHECK(text.find("was free for one, 8 times;") != std::string::npos);
    }

    // Nothing told of them.
    TEST_CASE("connections over node.max_connections stand in the status") {
        const auto port = free_port();
        const LoggedRuntime poise(
            fmt::format("services: {{web: {{listen: \"127.0.0.1:{}\", health: "
                        "none, servers: [\"127.0.0.1:9\"]}}}}",
                        port),
            "node: {workers: 1, max_connections: 1}");
        const int first = connect_to(port);
        const int second = connect_to(port);
        CHECK(until_refused(poise, 1));
        const auto shown = status_text(poise.runtime->status(), {});
        CHECK(shown.find("1 client connection refused") != std::string::npos);
        const auto status = poise.runtime->status();
        CHECK(status_from_json(status_to_json(status)) == status);
        ::close(first);
        ::close(second);
    }
}
