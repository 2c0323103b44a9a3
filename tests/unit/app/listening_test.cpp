// Listening sockets: all or none, and one way to say that a port is taken.
#include "app/listening.hpp"

#include "proxy/worker.hpp"
#include "tests/unit/app/running.hpp"

#include <fcntl.h>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

Address address(std::uint16_t port) {
    Address made = parse_ip("127.0.0.1").value();
    made.port = port;
    return made;
}

bool listens(std::uint16_t port) {
    const Socket client;
    return client.connect(port);
}

}  // namespace

TEST_SUITE("app/listening") {
    TEST_CASE("each worker gets a socket for each address") {
        const std::vector<ListeningPlace> places{{"a", address(free_port())},
                                                 {"b", address(free_port())}};
        auto opened = open_listening_sockets(places, 2, {});

        REQUIRE(opened.has_value());
        for (const unsigned worker : {0U, 1U}) {
            const auto sockets = opened->take(worker);
            REQUIRE(sockets.size() == 2);
            CHECK(sockets[0].address == places[0].address);
            CHECK(sockets[1].address == places[1].address);
            for (const auto& socket : sockets)
                ::close(socket.fd);
        }
        CHECK(opened->take(0).empty());
    }

    TEST_CASE("what is held already is not opened again") {
        const std::vector<ListeningPlace> places{{"a", address(free_port())}};
        auto opened = open_listening_sockets(places, 1, places);
        REQUIRE(opened.has_value());
        CHECK(opened->take(0).empty());
    }

    TEST_CASE("the same address serves TCP and UDP, each with a socket of its own") {
        const ListeningPlace tcp{"a", address(free_port())};
        const ListeningPlace udp{"b", tcp.address, config::Transport::udp};
        const std::vector<ListeningPlace> both{tcp, udp};
        auto opened = open_listening_sockets(both, 1, {});
        REQUIRE(opened.has_value());
        const auto sockets = opened->take(0);
        REQUIRE(sockets.size() == 2);
        CHECK(sockets[0].transport == config::Transport::tcp);
        CHECK(sockets[1].transport == config::Transport::udp);

        SUBCASE("and each is held by itself") {
            const std::vector<ListeningPlace> held{tcp};
            ::close(sockets[1].fd);
            auto again = open_listening_sockets(both, 1, held);
            REQUIRE(again.has_value());
            const auto fresh = again->take(0);
            REQUIRE(fresh.size() == 1);
            CHECK(fresh[0].transport == config::Transport::udp);
            ::close(fresh[0].fd);
        }
        SUBCASE("and so is one that would share it in every way") {
            const int on = 1;
            ::setsockopt(sockets[1].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            const std::vector<ListeningPlace> only{udp};
            CHECK_FALSE(open_listening_sockets(only, 1, {}).has_value());
            const auto ending = open_listening_sockets(only, 1, {}, only);
            CHECK(ending.has_value());  // for ours there is a successor
            ::close(sockets[1].fd);
        }
        SUBCASE("and another process's datagram socket is told of") {
            const std::vector<ListeningPlace> only{udp};
            const auto again = open_listening_sockets(only, 1, {});
            REQUIRE_FALSE(again.has_value());
            CHECK(again.error().find("`ss -lunp` shows which") != std::string::npos);
            ::close(sockets[1].fd);
        }
        ::close(sockets[0].fd);
    }

    TEST_CASE("a port that is taken is told in one way, and nothing stays open") {
        const Socket taken;
        const auto port = taken.bind();
        REQUIRE(::listen(taken.fd(), 1) == 0);
        const std::string why = "cannot listen on " + at(port) +
                                ": another process does already: `ss -ltnp` shows which";
        const auto free = free_port();
        const std::vector<ListeningPlace> places{{"free", address(free)}, {"web", address(port)}};

        const auto opened = open_listening_sockets(places, 2, {});
        const auto socket = proxy::open_listening_socket(address(port));

        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error() == "service web: " + why);
        REQUIRE_FALSE(socket.has_value());
        CHECK(socket.error() == why);
        CHECK_FALSE(listens(free));
    }

    TEST_CASE("a second process that shares ports is told of, too") {
        const auto port = free_port();
        const auto first = proxy::open_listening_socket(address(port));  // with SO_REUSEPORT
        REQUIRE(first.has_value());

        const std::vector<ListeningPlace> places{{"web", address(port)}};
        CHECK_FALSE(open_listening_sockets(places, 1, {}).has_value());

        ::close(*first);
    }

    TEST_CASE("an address of another machine is told of") {
        Address foreign = parse_ip("192.0.2.1").value();
        foreign.port = 80;
        const auto socket = proxy::open_listening_socket(foreign);
        REQUIRE_FALSE(socket.has_value());
        CHECK(socket.error().ends_with("no interface of this machine has the address"));
    }
}
