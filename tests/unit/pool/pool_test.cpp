#include "pool/pool.hpp"

#include "tests/unit/pool/test_pool.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

TEST_SUITE("pool/pool") {
    TEST_CASE("a server is found by its name") {
        const Pool pool(service_of({1, 1, 1}), nullptr);
        CHECK(pool.find("s1") == pool.servers()[1].get());
        CHECK(pool.find("s3") == nullptr);
        CHECK(pool.find("") == nullptr);
    }

    TEST_CASE("a reload keeps the object of a server whose place is unchanged") {
        auto service = service_of({100, 100, 100});
        const Pool before(service, nullptr);
        before.servers()[0]->set_health(Health::down, "refused");

        service.servers[0].weight = 50;
        service.servers[0].max_connections = 7;
        service.servers[1].backup = true;
        service.servers[2].port = 81;
        const Pool after(service, &before);

        CHECK(after.servers()[0] == before.servers()[0]);
        CHECK(after.servers()[0]->report().health == Health::down);
        CHECK(after.servers()[0]->report().weight == 50);
        CHECK(after.servers()[0]->report().connections_max == 7);
        CHECK(after.servers()[1] == before.servers()[1]);
        CHECK(after.servers()[1]->backup());
        CHECK(after.servers()[2] != before.servers()[2]);
    }

    TEST_CASE("a server that two generations share changes the version of both") {
        const auto service = service_of({100});
        const Pool before(service, nullptr);
        const Pool after(service, &before);
        const auto old_version = before.version();
        const auto new_version = after.version();

        before.servers()[0]->set_weight(3);

        CHECK(before.version() > old_version);
        CHECK(after.version() > new_version);
    }

    TEST_CASE("a thousand services of ten servers, and one of ten thousand, are made at once") {
        const auto began = std::chrono::steady_clock::now();
        config::Service big;
        for (int i = 0; i < 10'000; ++i)
            big.servers.push_back(configured_server(fmt::format("s{}", i)));
        big.scheduler = config::Algorithm::maglev;
        const auto first = std::make_shared<const Pool>(big, nullptr);
        const auto second = std::make_shared<const Pool>(big, first.get());
        Picker picker(second, 1);
        for (int i = 0; i < 1000; ++i)
            TestPool(service_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, config::Algorithm::maglev));

        // Very generous, for sanitizers and busy machines: a quadratic start takes longer.
        CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
        CHECK(second->servers().back() == first->servers().back());
    }
}

TEST_SUITE("pool/picker") {
    TEST_CASE("a backup is picked only when no other server can be") {
        auto service = service_of({100, 100});
        service.servers[1].backup = true;
        TestPool test(service);
        for (int i = 0; i < 10; ++i)
            CHECK(test.pick() == &test.server(0));

        test.server(0).set_health(Health::down, "");
        CHECK(test.pick() == &test.server(1));
        test.server(0).set_health(Health::up, "");
        CHECK(test.pick() == &test.server(0));
    }

    TEST_CASE("a backup is picked once every other server has failed in this exchange") {
        auto service = service_of({100, 100, 100});
        service.servers[2].backup = true;
        TestPool test(service);
        const std::array<RealServer*, 2> others{&test.server(0), &test.server(1)};
        const std::array<RealServer*, 3> all{&test.server(0), &test.server(1), &test.server(2)};

        CHECK(test.picker.pick({.tried = others}).server == &test.server(2));
        CHECK(test.picker.pick({.tried = all}).failure == PickFailure::no_server);
        test.server(2).set_health(Health::down, "");
        CHECK(test.picker.pick({.tried = others}).failure == PickFailure::no_server);
    }

    TEST_CASE("a failure to pick says whether waiting may help") {
        auto service = service_of({100, 100});
        service.servers[0].max_connections = 1;
        TestPool test(service);
        const std::array<RealServer*, 1> tried_second{&test.server(1)};
        const std::array<RealServer*, 2> tried_both{&test.server(0), &test.server(1)};

        const ConnectionLease lease(test.server(0));
        CHECK(test.picker.pick({}).failure == PickFailure::none);
        CHECK(test.picker.pick({.tried = tried_second}).failure == PickFailure::all_full);
        CHECK(test.picker.pick({.tried = tried_both}).failure == PickFailure::no_server);

        test.server(0).set_health(Health::down, "");
        test.server(1).set_health(Health::down, "");
        CHECK(test.picker.pick({}).failure == PickFailure::no_server);
    }

    TEST_CASE("a server whose connect has failed is left out for a second, or until it answers") {
        auto service = service_of({100, 100});
        service.health.passive = false;
        TestPool test(service);
        const SteadyTime start{std::chrono::hours(1)};
        const auto picks_of_first = [&](SteadyTime now) {
            int first = 0;
            for (int i = 0; i < 10; ++i)
                first += test.pick({.tried = {}, .now = now}) == &test.server(0) ? 1 : 0;
            return first;
        };

        test.server(0).note_connect_failure("refused", start);
        CHECK(picks_of_first(start) == 0);
        CHECK(picks_of_first(start + Picker::left_out_for - 1ms) == 0);
        CHECK(picks_of_first(start + Picker::left_out_for) > 0);

        test.server(0).note_connect_failure("refused", start + 5s);
        test.server(0).note_success();
        CHECK(picks_of_first(start + 5s) > 0);
    }

    TEST_CASE("while passive observation counts, new requests go on to a server that failed") {
        auto service = service_of({100, 100});
        service.health.passive_fall = 3;
        TestPool test(service);
        const SteadyTime now{std::chrono::hours(1)};
        const auto is_picked = [&] {
            RealServer* one = test.pick({.tried = {}, .now = now});
            RealServer* other = test.pick({.tried = {}, .now = now});
            return one == &test.server(0) || other == &test.server(0);
        };

        test.server(0).note_connect_failure("refused", now);
        test.server(0).note_connect_failure("refused", now);
        CHECK(is_picked());
        test.server(0).note_connect_failure("refused", now);
        CHECK(test.server(0).passive_down());
        CHECK_FALSE(is_picked());
    }

    TEST_CASE("who has met a server that failed is given none that failed last time") {
        TestPool test(service_of({100, 100, 100, 100}));
        const SteadyTime start{std::chrono::hours(1)};
        for (const std::size_t dead : {0, 1, 2})
            test.server(dead).note_connect_failure("refused", start);
        const std::array<RealServer*, 1> tried{&test.server(0)};

        for (int i = 0; i < 10; ++i)
            CHECK(test.pick({.tried = tried, .now = start + 1h}) == &test.server(3));
    }

    TEST_CASE("servers whose connects have failed are picked when nothing else is left") {
        auto service = service_of({100, 100, 100});
        service.servers[2].max_connections = 1;
        TestPool test(service);
        const SteadyTime now{std::chrono::hours(1)};
        const std::array<RealServer*, 1> tried{&test.server(0)};
        test.server(0).note_connect_failure("refused", now);
        test.server(1).note_connect_failure("refused", now);
        const ConnectionLease lease(test.server(2));

        CHECK(test.picker.pick({.tried = {}, .now = now}).server != nullptr);
        // A free place on the one that lives is worth the wait to who has met a dead one.
        CHECK(test.picker.pick({.tried = tried, .now = now}).failure == PickFailure::all_full);
        test.server(2).note_connect_failure("refused", now);
        CHECK(test.picker.pick({.tried = tried, .now = now}).server == &test.server(1));
    }

    TEST_CASE("every algorithm gives nothing from an empty pool") {
        for (int i = 0; i <= static_cast<int>(config::Algorithm::least_time); ++i) {
            TestPool test(service_of({}, static_cast<config::Algorithm>(i)));
            CHECK(test.picker.pick({}).server == nullptr);
            CHECK(test.picker.pick({}).failure == PickFailure::no_server);
        }
    }

    // Goal: a state that changes at any moment is never overlooked. Method: one thread flips it,
    // this one picks; after each flip has settled the pick must show it. TSan sees races.
    TEST_CASE("a picker follows changes made by another thread") {
        TestPool test(service_of({100, 100}));
        std::atomic<bool> go_on{true};
        std::thread flipper([&] {
            for (int i = 0; i < 2000; ++i)
                test.server(0).set_health(i % 2 == 0 ? Health::down : Health::up, "");
            test.server(0).set_health(Health::down, "");
            go_on = false;
        });
        while (go_on)
            CHECK(test.pick() != nullptr);
        flipper.join();
        for (int i = 0; i < 10; ++i)
            CHECK(test.pick() == &test.server(1));
    }
}
