#include "persistence/table.hpp"

#include <doctest/doctest.h>

#include <set>
#include <thread>

using namespace poise::persistence;
using namespace std::chrono_literals;

TEST_SUITE("persistence/table") {
    const Table::TimePoint start{1h};

    Key key(std::uint64_t n) {
        return {poise::mix64(n), poise::mix64(n ^ 0x5555)};
    }

    TEST_CASE("a client that was put is found, another is not") {
        Table table(1'000, 30s);
        table.put(key(1), 7, start);

        CHECK(table.find(key(1), start) == 7);
        CHECK(table.find(key(2), start) == std::nullopt);
        CHECK(table.size() == 1);
        CHECK(table.counters().hits == 1);
        CHECK(table.counters().misses == 1);
        CHECK(table.counters().inserts == 1);
    }

    TEST_CASE("putting again changes the server, not the number of entries") {
        Table table(1'000, 30s);
        table.put(key(1), 7, start);
        table.put(key(1), 8, start);

        CHECK(table.find(key(1), start) == 8);
        CHECK(table.size() == 1);
        CHECK(table.counters().inserts == 1);
    }

    TEST_CASE("an entry lives for the time-out after its last use") {
        Table table(1'000, 30s);
        table.put(key(1), 7, start);

        CHECK(table.find(key(1), start + 30s) == 7);
        CHECK(table.find(key(1), start + 60s) == 7);
        CHECK(table.find(key(1), start + 90s + 1ms) == std::nullopt);
        CHECK(table.size() == 0);
        CHECK(table.counters().expired == 1);
    }

    TEST_CASE("a caller whose clock is a little behind does not make an entry older") {
        Table table(1'000, 30s);
        table.put(key(1), 7, start);
        CHECK(table.find(key(1), start - 5s) == 7);
        table.put(key(1), 7, start - 5s);

        CHECK(table.find(key(1), start + 30s) == 7);
    }

    TEST_CASE("a new time-out counts at once") {
        Table table(1'000, 30s);
        table.put(key(1), 7, start);

        table.set_timeout(10s);

        CHECK(table.find(key(1), start + 11s) == std::nullopt);
    }

    TEST_CASE("an erased entry is gone, and erasing it again does nothing") {
        Table table(1'000, 30s);
        table.put(key(1), 7, start);

        CHECK(table.erase(key(1)));
        CHECK_FALSE(table.erase(key(1)));
        CHECK(table.find(key(1), start) == std::nullopt);
        CHECK(table.size() == 0);
    }

    TEST_CASE("a dead server's clients are forgotten at once, others stay") {
        Table table(20'000, 30s);
        for (std::uint64_t i = 0; i < 10'000; ++i)
            table.put(key(i), 1 + i % 2, start);
        REQUIRE(table.size() == 10'000);

        CHECK(table.erase_server(2) == 5'000);

        CHECK(table.size() == 5'000);
        CHECK(table.find(key(0), start) == 1);
        CHECK(table.find(key(1), start) == std::nullopt);
        CHECK(table.erase_server(3) == 0);
    }

    TEST_CASE("a table fills to nearly its bound without evictions and never passes it") {
        for (const std::size_t bound : {1u, 2u, 7u, 100u, 4'096u, 10'000u, 100'000u}) {
            CAPTURE(bound);
            Table table(bound, 30s);
            for (std::uint64_t i = 0; i < bound * 9 / 10; ++i)
                table.put(key(i), 1, start);
            CHECK(table.size() == bound * 9 / 10);
            CHECK(table.counters().evictions == 0);

            for (std::uint64_t i = 0; i < bound * 3; ++i)
                table.put(key(1'000'000 + i), 1, start);
            CHECK(table.size() <= bound);
            CHECK(table.size() >= bound * 95 / 100);
            const auto counters = table.counters();
            CHECK(counters.inserts == counters.evictions + table.size());
        }
    }

    TEST_CASE("a full table keeps who comes often") {
        Table table(1'000, 1h);
        auto now = start;
        for (std::uint64_t i = 0; i < 900; ++i)
            table.put(key(i), 1, now);
        for (std::uint64_t i = 0; i < 20'000; ++i) {
            now += 1ms;
            if (i % 10 == 0) {
                for (std::uint64_t regular = 0; regular < 100; ++regular)
                    table.find(key(regular), now);
            }
            table.put(key(100'000 + i), 1, now);
        }

        int kept = 0;
        for (std::uint64_t regular = 0; regular < 100; ++regular)
            kept += table.find(key(regular), now).has_value() ? 1 : 0;
        CHECK(kept >= 99);
    }

    TEST_CASE("with room for one, the newer client takes the place") {
        Table table(1, 30s);
        table.put(key(1), 7, start);
        table.put(key(2), 8, start);

        CHECK(table.find(key(1), start) == std::nullopt);
        CHECK(table.find(key(2), start) == 8);
        CHECK(table.counters().evictions == 1);
    }

    TEST_CASE("what has expired makes room before anything is evicted") {
        Table table(100, 30s);
        for (std::uint64_t i = 0; i < 100; ++i)
            table.put(key(i), 1, start);
        const auto evicted_before = table.counters().evictions;
        table.sweep(start + 31s);
        for (std::uint64_t i = 0; i < 90; ++i)
            table.put(key(1'000 + i), 1, start + 31s);

        CHECK(table.counters().evictions == evicted_before);
        CHECK(table.size() == 90);
    }

    TEST_CASE("sweeps of a few places each reach all of the table") {
        Table table(50'000, 30s);
        for (std::uint64_t i = 0; i < 30'000; ++i)
            table.put(key(i), 1, start);
        CHECK(table.sweep(start + 30s) == 0);

        std::size_t dropped = 0;
        for (int i = 0; i < 2'000 && dropped < 30'000; ++i)
            dropped += table.sweep(start + 31s, 100);

        CHECK(dropped == 30'000);
        CHECK(table.size() == 0);
        CHECK(table.sweep(start + 31s, 1'000'000) == 0);
    }

    TEST_CASE("sweeping an empty table ends") {
        Table table(1'000'000, 30s);
        CHECK(table.sweep(start) == 0);
    }

    TEST_CASE("an empty table costs little, a full one about 40 bytes an entry") {
        Table table(262'144, 30s);
        CHECK(table.memory_bytes() < 20'000);
        for (std::uint64_t i = 0; i < 300'000; ++i)
            table.put(key(i), 1, start);
        CHECK(table.memory_bytes() < 262'144 * 42);
    }

    TEST_CASE("a snapshot has every entry once, or as many as asked for") {
        Table table(20'000, 30s);
        for (std::uint64_t i = 0; i < 9'000; ++i)
            table.put(key(i), 1 + i, start + 1ms * i);

        const auto entries = table.snapshot();

        CHECK(entries.size() == 9'000);
        std::set<std::uint64_t> servers;
        for (const auto& entry : entries) {
            servers.insert(entry.server);
            CHECK(entry.key == key(entry.server - 1));
            CHECK(entry.last_used == start + 1ms * (entry.server - 1));
        }
        CHECK(servers.size() == 9'000);
        CHECK(table.snapshot(10).size() == 10);
        CHECK(table.snapshot(0).empty());
    }

    TEST_CASE("threads may use one table at once") {
        // For the thread sanitizer; the sums show that nothing is lost.
        Table table(8'192, 30s);
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < 4; ++t) {
            threads.emplace_back([&table, t] {
                for (std::uint64_t i = 0; i < 5'000; ++i) {
                    table.put(key(t * 100'000 + i), 1 + t, start);
                    table.find(key(i), start);
                    if (i % 1'000 == 0) {
                        table.sweep(start, 500);
                        table.erase_server(99);
                        table.counters();
                    }
                }
            });
        }
        for (auto& thread : threads)
            thread.join();

        const auto counters = table.counters();
        CHECK(counters.inserts == 20'000);
        CHECK(counters.hits + counters.misses == 20'000);
        CHECK(table.size() == counters.inserts - counters.evictions);
    }
}
