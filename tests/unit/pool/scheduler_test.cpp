#include "pool/scheduler.hpp"

#include "pool/random.hpp"
#include "tests/unit/pool/test_pool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using config::Algorithm;
using namespace std::chrono_literals;

namespace {

constexpr std::array all_algorithms{Algorithm::rr,     Algorithm::wrr,     Algorithm::lc,
                                    Algorithm::wlc,    Algorithm::dh,      Algorithm::sh,
                                    Algorithm::maglev, Algorithm::random2, Algorithm::least_time};
constexpr std::array hash_algorithms{Algorithm::dh, Algorithm::sh, Algorithm::maglev};

// How many of `picks` went to each server; each connection ends at once. Hashes are spread.
std::vector<int> picked_when_idle(TestPool& test, int picks) {
    std::vector<int> counts(test.pool->servers().size());
    for (int i = 0; i < picks; ++i)
        ++counts.at(test.index(test.pick_hash(static_cast<std::uint64_t>(i))));
    return counts;
}

bool near(int count, double expected, double tolerance) {
    return std::abs(count - expected) <= tolerance;
}

// How many of `clients` changed from one server to another between the two maps.
int moved(const std::vector<RealServer*>& before, const std::vector<RealServer*>& after) {
    int count = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
        count += before[i] != after[i];
    return count;
}

std::vector<RealServer*> map_of(TestPool& test, std::size_t clients) {
    std::vector<RealServer*> map;
    for (std::size_t i = 0; i < clients; ++i)
        map.push_back(test.pick_hash(mixed(i)));
    return map;
}

// Those that got no answer of so many requests, a hundred a second and each with two retries, to
// servers of which every other one refuses.
std::vector<int> failed_requests(TestPool& test, int requests) {
    std::vector<int> failed;
    for (int request = 0; request < requests; ++request) {
        const SteadyTime now{std::chrono::hours(1) + std::chrono::milliseconds(10) * request};
        const auto hash = mixed(static_cast<std::uint64_t>(request));
        std::vector<RealServer*> tried;
        bool answered = false;
        while (!answered && tried.size() < 3) {
            RealServer* server = test.pick({hash, hash, tried, now});
            REQUIRE(server != nullptr);
            answered = test.index(server) % 2 == 0;
            if (answered)
                server->note_success();
            else
                server->note_connect_failure("refused", now);
            tried.push_back(server);
        }
        if (!answered) failed.push_back(request);
    }
    return failed;
}

}  // namespace

TEST_SUITE("pool/scheduler") {
    TEST_CASE("every algorithm passes over what is full, tried, drained or of weight 0") {
        for (const auto algorithm : all_algorithms) {
            CAPTURE(config::word(algorithm));
            auto service = service_of({100, 100, 100, 100, 100}, algorithm);
            service.servers[0].max_connections = 1;
            service.servers[2].weight = 0;
            TestPool test(service);
            const ConnectionLease lease(test.server(0));
            const std::array<RealServer*, 1> tried{&test.server(1)};
            test.server(3).set_admin(AdminState::drain);

            for (std::uint64_t i = 0; i < 500; ++i) {
                const PickHint hint{mixed(i), mixed(i), tried};
                REQUIRE(test.pick(hint) == &test.server(4));
            }
            test.server(4).set_admin(AdminState::halt);
            CHECK(test.pick({1, 1, tried}) == nullptr);
        }
    }

    // Goal: a loss of half of the servers, which no check has noticed, costs few requests.
    TEST_CASE("with half of the servers dead only the first few requests fail, by any algorithm") {
        for (const auto algorithm : all_algorithms) {
            for (const bool passive : {false, true}) {
                CAPTURE(config::word(algorithm));
                CAPTURE(passive);
                auto service = service_of({100, 100, 100, 100, 100, 100, 100, 100}, algorithm);
                service.health.passive = passive;
                TestPool test(service);

                const auto failed = failed_requests(test, 2000);

                CHECK(failed.size() <= 1);
                if (!failed.empty()) CHECK(failed.back() < 5);
            }
        }
    }

    TEST_CASE("no server starves with any algorithm") {
        for (const auto algorithm : all_algorithms) {
            CAPTURE(config::word(algorithm));
            TestPool test(service_of({100, 1, 100}, algorithm));
            for (const int count : picked_when_idle(test, 20'000))
                CHECK(count > 0);
        }
    }

    // Without least_time, which gives an idle pool's requests to the one that answers first.
    TEST_CASE("an idle pool is shared in proportion to weight") {
        struct Row {
            Algorithm algorithm;
            bool weighted;
            double tolerance;  // of 8000 picks
        };
        for (const auto& row : {Row{Algorithm::rr, false, 1}, Row{Algorithm::wrr, true, 2},
                                Row{Algorithm::lc, false, 1}, Row{Algorithm::wlc, true, 2},
                                Row{Algorithm::random2, true, 250}, Row{Algorithm::dh, true, 300},
                                Row{Algorithm::sh, true, 300}, Row{Algorithm::maglev, true, 300}}) {
            CAPTURE(config::word(row.algorithm));
            TestPool test(service_of({10, 20, 50}, row.algorithm));
            const auto counts = picked_when_idle(test, 8'000);
            const std::array<double, 3> by_weight{1000, 2000, 5000};
            for (std::size_t i = 0; i < 3; ++i)
                CHECK(near(counts[i], row.weighted ? by_weight[i] : 8000.0 / 3, row.tolerance));
        }
    }

    // Goal: not only the sum is right, but each stretch of picks. Method: weights at random; at
    // no moment may a server be further than two picks from its share.
    TEST_CASE("weighted round robin and the ties of wlc never stray far from the share") {
        for (const auto algorithm : {Algorithm::wrr, Algorithm::wlc}) {
            CAPTURE(config::word(algorithm));
            for (std::uint64_t seed = 1; seed <= 20; ++seed) {
                CAPTURE(seed);
                Random random(seed);
                config::Service service = service_of({}, algorithm);
                double total = 0;
                const auto servers = 2 + random.below(6);
                for (std::uint32_t i = 0; i < servers; ++i) {
                    const int weight = 1 + static_cast<int>(random.below(256));
                    service.servers.push_back(configured_server(fmt::format("s{}", i), weight));
                    total += weight;
                }
                TestPool test(service, seed);
                std::vector<int> counts(service.servers.size());
                for (int n = 1; n <= 2000; ++n) {
                    ++counts.at(test.index(test.pick()));
                    for (std::size_t i = 0; i < counts.size(); ++i)
                        REQUIRE(near(counts[i], n * service.servers[i].weight / total,
                                     static_cast<double>(counts.size())));
                }
            }
        }
    }

    // Goal: load follows weight. Method: open connections one by one, as a burst of clients
    // would, keep them open, and look at where they ended up.
    TEST_CASE("a burst of lasting connections is shared by weight, or evenly by lc") {
        struct Row {
            Algorithm algorithm;
            std::array<std::uint32_t, 3> expected;
            std::uint32_t tolerance;
        };
        for (const auto& row :
             {Row{Algorithm::wlc, {100, 200, 500}, 1}, Row{Algorithm::lc, {267, 267, 266}, 1},
              Row{Algorithm::least_time, {100, 200, 500}, 20},
              Row{Algorithm::random2, {100, 200, 500}, 12}}) {
            CAPTURE(config::word(row.algorithm));
            TestPool test(service_of({10, 20, 50}, row.algorithm));
            for (int i = 0; i < 800; ++i)
                test.open.emplace_back(*test.pick());
            for (std::size_t i = 0; i < 3; ++i)
                CHECK(near(static_cast<int>(test.server(i).connections()), row.expected[i],
                           row.tolerance));
        }
    }

    TEST_CASE("least connections counts what all workers have opened") {
        TestPool test(service_of({100, 100}));
        Picker other_worker(test.pool, 2);
        for (int i = 0; i < 10; ++i)
            test.open.emplace_back(test.server(0));
        for (int i = 0; i < 10; ++i) {
            RealServer* server = other_worker.pick({}).server;
            CHECK(server == &test.server(1));
            test.open.emplace_back(*server);
        }
    }

    TEST_CASE("workers of different seeds do not start with the same server") {
        for (const auto algorithm : {Algorithm::rr, Algorithm::wrr, Algorithm::wlc}) {
            CAPTURE(config::word(algorithm));
            const auto pool =
                std::make_shared<const Pool>(service_of({100, 100, 100, 100}, algorithm), nullptr);
            std::map<RealServer*, int> firsts;
            for (std::uint64_t seed = 0; seed < 64; ++seed)
                ++firsts[Picker(pool, seed).pick({}).server];
            CHECK(firsts.size() == 4);
        }
    }

    TEST_CASE("a server that was away long does not make up for it in a burst") {
        TestPool test(service_of({100, 100}));
        test.open.emplace_back(test.server(0));
        for (int i = 0; i < 1000; ++i)
            CHECK(test.pick() == &test.server(1));
        test.open.clear();
        const auto counts = picked_when_idle(test, 10);
        CHECK(near(counts[0], 5, 1));
    }

    TEST_CASE("least time prefers the fast server and finds out when a slow one recovers") {
        using namespace std::chrono_literals;
        TestPool test(service_of({100, 100}, Algorithm::least_time));
        const auto run = [&](std::chrono::microseconds first, std::chrono::microseconds second) {
            std::array<int, 2> counts{};
            for (int i = 0; i < 10'000; ++i) {
                RealServer* server = test.pick();
                const auto at = test.index(server);
                ++counts.at(at);
                server->note_response(at == 0 ? first : second);
            }
            return counts;
        };
        CHECK(run(1000us, 50'000us)[0] > 9'500);
        CHECK(run(50'000us, 1000us)[1] > 9'000);
    }

    TEST_CASE("hashing gives the same server to the same hash, in every worker") {
        for (const auto algorithm : hash_algorithms) {
            CAPTURE(config::word(algorithm));
            TestPool test(service_of({100, 50, 200, 100}, algorithm), 1);
            Picker other_worker(test.pool, 99);
            for (std::uint64_t i = 0; i < 1000; ++i) {
                const PickHint hint{i, i, {}};
                REQUIRE(test.pick(hint) == other_worker.pick(hint).server);
            }
        }
    }

    TEST_CASE("dh looks at the destination, sh and maglev at the source") {
        for (const auto algorithm : hash_algorithms) {
            CAPTURE(config::word(algorithm));
            TestPool test(service_of({100, 100, 100, 100}, algorithm));
            std::map<RealServer*, int> by_source, by_destination;
            for (std::uint64_t i = 0; i < 100; ++i) {
                ++by_source[test.pick({mixed(i), 7, {}})];
                ++by_destination[test.pick({7, mixed(i), {}})];
            }
            CHECK((by_destination.size() == 1) == (algorithm != Algorithm::dh));
            CHECK((by_source.size() == 1) == (algorithm == Algorithm::dh));
        }
    }

    // Goal: who leaves takes only its own clients along, spread over all others, and gets them
    // back. The fixed tables move nobody else; maglev a few.
    TEST_CASE("little moves when a server leaves, and all is as before when it returns") {
        constexpr std::size_t clients = 20'000;
        for (const auto algorithm : hash_algorithms) {
            CAPTURE(config::word(algorithm));
            TestPool test(
                service_of({100, 100, 100, 100, 100, 100, 100, 100, 100, 100}, algorithm));
            const auto before = map_of(test, clients);
            const auto own = std::ranges::count(before, &test.server(3));

            test.server(3).set_health(Health::down, "");
            const auto without = map_of(test, clients);
            const auto others_moved = moved(before, without) - own;
            CHECK(others_moved >= 0);
            CHECK(others_moved <=
                  (algorithm == Algorithm::maglev ? static_cast<long>(clients) / 20 : 0));
            std::map<RealServer*, int> heirs;
            for (std::size_t i = 0; i < clients; ++i) {
                if (before[i] == &test.server(3)) ++heirs[without[i]];
            }
            CHECK(heirs.size() == 9);
            for (const auto& [server, count] : heirs)
                CHECK(near(count, static_cast<double>(own) / 9, static_cast<double>(own) / 18));

            test.server(3).set_health(Health::up, "");
            CHECK(moved(before, map_of(test, clients)) == 0);
        }
    }

    // It had no effect on dh and sh: their tables knew the file's weights alone.
    TEST_CASE("a weight set at run time or by the agent moves the shares, and little else") {
        constexpr std::size_t clients = 20'000;
        for (const auto algorithm : hash_algorithms) {
            for (const bool by_agent : {false, true}) {
                CAPTURE(config::word(algorithm));
                CAPTURE(by_agent);
                TestPool test(service_of({100, 100, 100, 100}, algorithm));
                const auto before = map_of(test, clients);
                if (by_agent)
                    test.server(3).set_agent({.percent = 50});
                else
                    test.server(3).set_weight(50);
                const auto after = map_of(test, clients);
                CHECK(near(std::ranges::count(after, &test.server(3)), clients / 7.0,
                           clients / 50.0));
                CHECK(near(std::ranges::count(after, &test.server(0)), clients / 3.5,
                           clients / 50.0));
                const double share_moved = clients * (1.0 / 4 - 1.0 / 7);
                CHECK(moved(before, after) < 2 * share_moved);

                test.server(3).set_agent({});
                test.server(3).set_weight(std::nullopt);
                CHECK(moved(before, map_of(test, clients)) == 0);
            }
        }
    }

    TEST_CASE("a weight of 0 moves the own clients of dh and sh only; slow start moves none") {
        constexpr std::size_t clients = 20'000;
        for (const auto algorithm : {Algorithm::dh, Algorithm::sh}) {
            CAPTURE(config::word(algorithm));
            auto service = service_of({100, 100, 100, 0}, algorithm);
            service.slow_start = 60s;
            TestPool test(service);
            const auto before = map_of(test, clients);
            const auto own = std::ranges::count(before, &test.server(1));
            test.server(1).set_weight(0);
            CHECK(moved(before, map_of(test, clients)) == own);

            test.server(1).set_weight(std::nullopt);
            test.server(1).set_health(Health::down, "");
            test.server(1).set_health(Health::up, "");
            CHECK(test.server(1).ramping());
            CHECK(moved(before, map_of(test, clients)) == 0);

            // Configured with 0 it had no place; a weight gives it one.
            test.server(3).set_weight(100);
            CHECK(near(std::ranges::count(map_of(test, clients), &test.server(3)), clients / 4.0,
                       clients / 50.0));
        }
    }

    TEST_CASE("a server added by a reload takes about its share and no more") {
        constexpr std::size_t clients = 20'000;
        for (const auto algorithm : hash_algorithms) {
            CAPTURE(config::word(algorithm));
            TestPool ten(service_of({100, 100, 100, 100, 100, 100, 100, 100, 100, 100}, algorithm));
            TestPool eleven(
                service_of({100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100}, algorithm));
            int differ = 0;
            for (std::size_t i = 0; i < clients; ++i)
                differ += ten.index(ten.pick_hash(i)) != eleven.index(eleven.pick_hash(i));
            CHECK(near(differ, clients / 11.0, clients / 25.0));
        }
    }

    TEST_CASE("tables of many servers give each its share") {
        config::Service service;
        service.scheduler = Algorithm::maglev;
        for (int i = 0; i < 200; ++i)
            service.servers.push_back(configured_server(fmt::format("s{}", i)));
        TestPool test(service);
        for (const int count : picked_when_idle(test, 200'000))
            CHECK(near(count, 1000, 200));
    }
}
