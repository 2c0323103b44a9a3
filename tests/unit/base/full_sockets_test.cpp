// More sockets that are full at once than fit into one call to the kernel.
#include "base/engine.hpp"
#include "tests/unit/base/both_ways.hpp"
#include "tests/unit/base/connection.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

using namespace poise;

namespace {

constexpr int buffer = 4'096;
constexpr std::size_t many = 300;

struct Talk {
    explicit Talk(Engine& engine) : connection(engine, buffer) {}

    Connection connection;
    std::string heard;
    std::size_t written = 0;
};

// Writes the next of the pattern to each that takes something. True: none did.
bool write_to_all(std::vector<std::unique_ptr<Talk>>& talks, std::string_view text) {
    bool all_full = true;
    for (const auto& talk : talks) {
        const auto wrote = write_text(*talk->connection.stream, text.substr(talk->written, 1'500));
        REQUIRE(wrote.state != Io::failed);
        talk->written += wrote.bytes;
        all_full = all_full && !wrote.ok();
    }
    return all_full;
}

void hear(Talk& talk) {
    std::array<char, 65'536> bytes;
    const auto n = ::recv(talk.connection.peer, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n > 0) talk.heard.append(bytes.data(), static_cast<std::size_t>(n));
}

Task<void> hear_rest(Waiter& waiter, std::vector<std::unique_ptr<Talk>>& talks) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (bool all = false; !all && std::chrono::steady_clock::now() < limit;) {
        all = true;
        for (const auto& talk : talks) {
            hear(*talk);
            all = all && talk->heard.size() == talk->written;
        }
        co_await pass(waiter, 1);
    }
}

}  // namespace

TEST_SUITE("base/full sockets") {
    TEST_CASE_TEMPLATE("all get all of it, in order, when their peers go on reading", By, ByEpoll,
                       ByRing) {
        Engine engine(By::kind);
        Connection first(engine);
        run(engine, first, [](Waiter& waiter, Connection&) -> Task<void> {
            const std::string text = pattern(1'000'000);
            std::vector<std::unique_ptr<Talk>> talks;
            for (std::size_t i = 0; i < many; ++i)
                talks.push_back(std::make_unique<Talk>(waiter.engine()));
            for (int full_turns = 0; full_turns < 5;) {
                full_turns = write_to_all(talks, text) ? full_turns + 1 : 0;
                co_await pass(waiter, 1);
            }
            for (const auto& talk : talks)
                CHECK(talk->written > 1'500);

            for (int more = 0; more < 20; ++more) {  // fill up, and run dry, all at once
                for (const auto& talk : talks)
                    hear(*talk);
                co_await pass(waiter, 2);
                write_to_all(talks, text);
                co_await pass(waiter, 1);
            }
            co_await hear_rest(waiter, talks);

            // What they needed to send may have gone since.
            for (int i = 0; i < 200; ++i)
                waiter.engine().sweep();
            for (int more = 0; more < 3; ++more) {
                write_to_all(talks, text);
                co_await pass(waiter, 1);
            }
            co_await hear_rest(waiter, talks);
            for (const auto& talk : talks)
                CHECK(talk->heard == std::string_view(text).substr(0, talk->written));
        });
    }
}
