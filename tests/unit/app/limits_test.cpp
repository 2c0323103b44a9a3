#include "app/limits.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

using namespace poise::app;

TEST_SUITE("app/limits") {
    TEST_CASE("a limit that is wanted is shared by the workers, rounded up") {
        CHECK(connections_max_per_worker(100, 1'024, 2) == 50);
        CHECK(connections_max_per_worker(101, 1'024, 2) == 51);
        CHECK(connections_max_per_worker(1, 1'024, 4) == 1);
    }

    TEST_CASE("else it is what the files allow, two a client, some of them reserved") {
        CHECK(connections_max_per_worker(0, 20'512, 2) == 5'000);
        CHECK(connections_max_per_worker(0, 100, 2) == 16);  // at least a few
        CHECK(connections_max_per_worker(0, 0, 64) == 16);
    }

    TEST_CASE("workers are as many as wanted, within the bits for them") {
        CHECK(worker_count(1) == 1);
        CHECK(worker_count(3) == 3);
        CHECK(worker_count(1'000) == workers_max);
        CHECK(worker_count(0) >= 1);
        CHECK(worker_count(0) <= workers_max);
    }

    TEST_CASE("the limit of open files is raised as far as the process may") {
        const auto files = raise_file_limit();
        rlimit limit{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHECK(limit.rlim_cur == limit.rlim_max);
        CHECK(files <= limit.rlim_cur);
        CHECK(files > 0);
    }
}
