// Clients of several workers: none gets many more than another.
#include "proxy/client_spread.hpp"

#include "app/worker_set.hpp"
#include "proxy/worker.hpp"
#include "tests/unit/app/running.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <string>
#include <vector>

using namespace poise;
using namespace poise::app::test;
using proxy::choose_worker;

namespace {

std::string yaml_for(std::uint16_t port) {
    return fmt::format(R"(
services:
  web:
    listen: "127.0.0.1:{}"
    health: none
    servers: ["127.0.0.1:9"]
)",
                       port);
}

std::vector<std::uint64_t> spread(Running& poise) {
    return poise.status().worker_connections;
}

// Workers that do not run.
struct Resting {
    explicit Resting(std::size_t connections_max) {
        shared.connections_max = connections_max;
        for (unsigned i = 0; i < 3; ++i) {
            owned.push_back(std::make_unique<proxy::Worker>(i, shared));
            shared.workers.push_back(owned.back().get());
        }
    }
    proxy::Worker& chosen(unsigned by) const { return choose_worker(*owned[by], shared.workers); }

    proxy::WorkerShared shared;
    std::vector<std::unique_ptr<proxy::Worker>> owned;
};

}  // namespace

TEST_SUITE("app/client_spread") {
    TEST_CASE("clients that stay are spread over the workers, however the kernel gives them") {
        const auto port = free_port();
        Running poise(yaml_for(port), 8);
        std::vector<std::unique_ptr<Socket>> clients;

        for (std::uint64_t count = 1; count <= 64; ++count) {
            clients.push_back(std::make_unique<Socket>());
            REQUIRE(clients.back()->connect(port));
            REQUIRE(wait_until([&] { return poise.status().connections == count; }));
        }

        const auto of = spread(poise);
        const auto [least, most] = std::ranges::minmax(of);
        CAPTURE(least);
        CHECK(of.size() == 8);
        CHECK_FALSE(proxy::hands_over(most - 1, least));
    }

    TEST_CASE("who was handed over is served like the others") {
        const Origin origin(fine);
        const auto port = free_port();
        auto yaml = yaml_for(port);
        yaml.replace(yaml.find("127.0.0.1:9\""), 11, at(origin.port()));
        Running poise(yaml, 4);
        std::vector<std::unique_ptr<Socket>> clients;
        for (int i = 0; i < 40; ++i) {
            clients.push_back(std::make_unique<Socket>());
            REQUIRE(clients.back()->connect(port));
        }

        for (const auto& client : clients) {
            client->send("GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
            CHECK(client->receive().ends_with("fine\n"));
        }

        CHECK(wait_until([&] { return poise.status().connections == 0; }));
        CHECK(origin.accepted() == 40);
    }

    TEST_CASE("a small difference is left, a large one is not") {
        CHECK_FALSE(proxy::hands_over(0, 0));
        CHECK_FALSE(proxy::hands_over(1, 0));
        CHECK(proxy::hands_over(2, 0));
        CHECK_FALSE(proxy::hands_over(17, 15));
        CHECK_FALSE(proxy::hands_over(1'100, 1'000));
        CHECK(proxy::hands_over(1'200, 1'000));
    }

    TEST_CASE("the worker with the fewest is chosen, those on their way to it counted") {
        const Resting set(1'000);
        set.owned[0]->sessions.add(20);
        set.owned[1]->sessions.add(10);
        CHECK(&set.chosen(0) == set.owned[2].get());
        CHECK(&set.chosen(2) == set.owned[2].get());

        for (int i = 0; i < 19; ++i)
            set.chosen(0);  // nobody gets round to them
        CHECK(set.owned[1]->arrivals.count() + set.owned[2]->arrivals.count() > 15);
        CHECK(set.owned[2]->arrivals.count() < 18);
    }

    TEST_CASE("a worker that does not get round to its clients is not given more and more") {
        const Resting set(10'000);
        set.owned[0]->sessions.add(5'000);
        for (int i = 0; i < 500; ++i)
            set.chosen(0);

        CHECK(set.owned[1]->arrivals.count() == proxy::ClientArrivals::most);
        CHECK(set.owned[2]->arrivals.count() == proxy::ClientArrivals::most);
        CHECK(&set.chosen(0) == set.owned[0].get());
    }

    TEST_CASE("who is full gives to one that has a place, and gets none") {
        const Resting set(100);
        set.owned[0]->sessions.add(100);
        set.owned[1]->sessions.add(100);
        set.owned[2]->sessions.add(98);
        set.owned[2]->udp_sessions.add(2);  // two are as much as a connection
        CHECK(&set.chosen(0) == set.owned[2].get());
        CHECK(&set.chosen(0) == set.owned[0].get());  // that place is taken
    }

    TEST_CASE("datagrams' clients count, as they do for the limit") {
        const Resting set(1'000);
        set.owned[0]->sessions.add(600);
        set.owned[1]->sessions.add(500);
        set.owned[1]->udp_sessions.add(1'000);
        set.owned[2]->sessions.add(590);
        CHECK(&set.chosen(0) == set.owned[0].get());
    }

    TEST_CASE("a worker that stands still does not keep others from getting clients") {
        const Resting set(10'000);
        set.owned[0]->sessions.add(5'000);
        set.owned[2]->sessions.add(1'000);
        for (std::uint32_t i = 0; i < proxy::ClientArrivals::most; ++i)
            CHECK(&set.chosen(0) == set.owned[1].get());
        CHECK(&set.chosen(0) == set.owned[2].get());
    }

    TEST_CASE("a worker that drains takes no more, and waits for those on their way") {
        proxy::ClientArrivals arrivals;
        CHECK(arrivals.announce());
        arrivals.close();
        CHECK_FALSE(arrivals.announce());
        CHECK(arrivals.count() == 1);
        arrivals.came();
        CHECK(arrivals.count() == 0);
        CHECK_FALSE(arrivals.announce());
    }

    TEST_CASE("a client whose socket the kernel will not watch is let go, and leaves no count") {
        const Resting set(100);
        const int unwatchable = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // epoll refuses it
        REQUIRE(unwatchable >= 0);
        set.owned[0]->start_client(unwatchable, {}, nullptr, 0, 0);
        CHECK(set.owned[0]->sessions.value() == 0);
        CHECK(set.owned[0]->accept_errors.value() == 1);
        CHECK(::fcntl(unwatchable, F_GETFD) == -1);
    }

    TEST_CASE("a client that nobody takes is closed") {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        const Socket other(ends[1]);
        {
            const proxy::ArrivingClient client(ends[0], {}, nullptr, 0, 0);
        }
        CHECK(other.receive().empty());
    }
}
